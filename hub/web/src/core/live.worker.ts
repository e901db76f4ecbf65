/// <reference lib="webworker" />
/**
 * The one stream of this browser: every tab joins here. A message after a pause goes on at once; those that follow within
 * BATCH_MS go together, so that a tab hears at most about 30 times a second.
 */
import { Relay } from './relay';
import { EventStream, type LiveMessage } from './stream';

const BATCH_MS = 33;
export type Join = { url: string; since: number; lock: string };

const ports = new Set<MessagePort>();
let stream: EventStream | null = null;
let relay = new Relay(0);
let queue: LiveMessage[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;

/** Sends what waits, and collects for BATCH_MS what comes then. */
function flush() {
  timer = queue.length > 0 ? setTimeout(flush, BATCH_MS) : null;
  if (queue.length === 0) return;
  const batch = queue;
  queue = [];
  for (const port of ports) port.postMessage(batch);
}

function open(url: string, since: number) {
  relay = new Relay(since);
  stream = new EventStream(
    url,
    since,
    (m) => {
      relay.keep(m);
      queue.push(m);
      if (!timer) flush();
    },
    () => {
      for (const port of ports) port.postMessage('down');
    },
  );
}

function leave(port: MessagePort) {
  ports.delete(port);
  if (ports.size > 0) return;
  stream?.close();
  stream = null;
}

function join(port: MessagePort, { url, since, lock }: Join) {
  // A tab holds its lock while it lives: getting it here means that the tab is gone.
  void navigator.locks?.request(lock, () => leave(port));
  if (stream) {
    if (timer) {
      clearTimeout(timer);
      flush();
    }
    port.postMessage(relay.since(since));
  } else open(url, since);
  ports.add(port);
}

(self as unknown as SharedWorkerGlobalScope).onconnect = (e) => {
  const port = e.ports[0];
  port.onmessage = (m: MessageEvent<Join | 'leave'>) => (m.data === 'leave' ? leave(port) : join(port, m.data));
  port.start();
};
