/**
 * One EventSource that stays up: the browser reconnects after a lost line by itself (with Last-Event-ID); after a refusal
 * (session over, server restarting behind a proxy) or a long silence it is opened anew from the last sequence number seen.
 * Runs in the shared worker, or in the page where there is none.
 */
export type LiveMessage = { id: number; type: string; data: unknown };
export const EVENT_TYPES = [
  'hello',
  'hb',
  'stock',
  'pass',
  'alarm',
  'edge',
  'device',
  'sample',
  'proposal',
  'quarantine',
] as const;

const REOPEN_MS = 2000;
const SILENT_MS = 15_000; // the hub sends a heartbeat every 2 s; a line that is dead without saying so is cut here

export class EventStream {
  last: number;
  private url: string;
  private source: EventSource | null = null;
  private heard = performance.now();
  private watch: ReturnType<typeof setInterval>;
  private reopen: ReturnType<typeof setTimeout> | undefined;
  private onMessage: (m: LiveMessage) => void;
  private onDown: () => void;

  constructor(url: string, since: number, onMessage: (m: LiveMessage) => void, onDown: () => void) {
    this.url = url;
    this.last = since;
    this.onMessage = onMessage;
    this.onDown = onDown;
    this.open();
    this.watch = setInterval(() => this.cutWhenSilent(), 3000);
  }

  close() {
    clearInterval(this.watch);
    clearTimeout(this.reopen);
    this.source?.close();
    this.source = null;
  }

  private open() {
    this.source?.close();
    this.heard = performance.now();
    const source = new EventSource(`${this.url}?since=${this.last}`);
    this.source = source;
    for (const type of EVENT_TYPES) source.addEventListener(type, (e) => this.take(type, e as MessageEvent<string>));
    source.onerror = () => {
      this.onDown();
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      clearTimeout(this.reopen);
      this.reopen = setTimeout(() => this.open(), REOPEN_MS);
    };
  }

  private take(type: string, e: MessageEvent<string>) {
    this.heard = performance.now();
    const data: unknown = JSON.parse(e.data);
    // Heartbeats carry no id of their own; the browser repeats the last one.
    const id = type === 'hb' || type === 'hello' ? 0 : Number(e.lastEventId) || 0;
    if (type === 'hello' && (data as { resync: boolean }).resync) this.last = (data as { seq: number }).seq;
    if (id) {
      if (id < this.last) return;
      this.last = id;
    }
    this.onMessage({ id, type, data });
  }

  private cutWhenSilent() {
    if (this.source && performance.now() - this.heard > SILENT_MS) {
      this.onDown();
      this.open();
    }
  }
}
