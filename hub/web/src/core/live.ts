import type { Join } from './live.worker';
import { Signal } from './signal';
import { EventStream, type LiveMessage } from './stream';

export type LiveStatus = 'connecting' | 'live' | 'stale' | 'offline';
type Handler = (data: never, id: number) => void;

const STALE_MS = 6000; // three heartbeats

/** A tab's end of the live stream: through the browser's one shared worker where there is one, else a stream of its own. */
export class LiveClient {
  readonly status = new Signal<LiveStatus>('connecting');
  /** performance.now() of the last message, 0 before the first. */
  lastAt = 0;
  private lastId = 0;
  private handlers = new Map<string, Set<Handler>>();
  private close: (() => void) | null = null;
  private url: string;
  constructor(url: string) {
    this.url = url;
  }

  get running() {
    return this.close !== null;
  }

  /** since: the sequence number of the snapshot that is held; what came after it is replayed. */
  start(since: number) {
    this.stop();
    this.lastId = since;
    const direct = new URLSearchParams(location.search).has('direct') || !('SharedWorker' in globalThis);
    const closeStream = direct ? this.openOwn(since) : this.openShared(since);
    const timer = setInterval(() => this.watch(), 1000);
    this.close = () => {
      clearInterval(timer);
      closeStream();
    };
  }

  stop() {
    this.close?.();
    this.close = null;
    this.status.set('connecting');
  }

  on<T>(type: string, handler: (data: T, id: number) => void): () => void {
    const set = this.handlers.get(type) ?? new Set<Handler>();
    set.add(handler as Handler);
    this.handlers.set(type, set);
    return () => set.delete(handler as Handler);
  }

  private openOwn(since: number) {
    const stream = new EventStream(
      this.url,
      since,
      (m) => this.take(m),
      () => this.status.set('offline'),
    );
    return () => stream.close();
  }

  private openShared(since: number) {
    const worker = new SharedWorker(new URL('./live.worker.ts', import.meta.url), { type: 'module', name: 'live' });
    // crypto.randomUUID needs a secure context, which plain HTTP in a warehouse is not.
    const lock = `live-tab-${Date.now()}-${Math.random()}`;
    let release = () => {};
    void navigator.locks?.request(lock, () => new Promise<void>((done) => (release = done)));
    worker.port.onmessage = (e: MessageEvent<LiveMessage[] | 'down'>) => {
      if (e.data === 'down') this.status.set('offline');
      else for (const m of e.data) this.take(m);
    };
    worker.port.start();
    worker.port.postMessage({ url: this.url, since, lock } satisfies Join);
    return () => {
      worker.port.postMessage('leave');
      worker.port.onmessage = null;
      release();
    };
  }

  private watch() {
    if (this.status.get() === 'live' && performance.now() - this.lastAt > STALE_MS) this.status.set('stale');
  }

  private take({ id, type, data }: LiveMessage) {
    this.lastAt = performance.now();
    const hello = type === 'hello' ? (data as { seq: number; resync: boolean }) : null;
    if (hello?.resync) this.lastId = hello.seq; // another history begins, perhaps with lower numbers
    if (id && id < this.lastId) return; // replayed twice
    if (id) this.lastId = id;
    this.status.set('live');
    for (const handler of this.handlers.get(type) ?? []) handler(data as never, id);
  }
}
