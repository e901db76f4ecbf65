import type { LiveMessage } from './stream';

/**
 * What the shared worker remembers, so that a tab that opens later is served from the stream that is already there.
 * `floor` is the sequence number after which the memory is complete: a tab that knows less must load a snapshot again.
 */
export class Relay {
  private kept: LiveMessage[] = [];
  private floor: number;
  private bound: number;
  constructor(since: number, bound = 4000) {
    this.floor = since;
    this.bound = bound;
  }

  keep(m: LiveMessage) {
    if (m.type === 'hello') {
      const hello = m.data as { seq: number; resync: boolean };
      if (hello.resync) {
        this.kept = [];
        this.floor = hello.seq;
      }
      return;
    }
    if (!m.id) return;
    this.kept.push(m);
    if (this.kept.length <= this.bound) return;
    const cut = this.kept.length - (this.bound >> 1);
    // Several messages may share one number: cut between numbers, never within.
    this.floor = this.kept[cut - 1].id;
    this.kept = this.kept.filter((x) => x.id > this.floor);
  }

  /** What a tab that holds everything up to `since` still lacks. */
  since(since: number): LiveMessage[] {
    const resync = since < this.floor;
    const seq = this.kept.at(-1)?.id ?? this.floor;
    const hello: LiveMessage = { id: 0, type: 'hello', data: { seq, resync } };
    return [hello, ...(resync ? [] : this.kept.filter((m) => m.id > since))];
  }
}
