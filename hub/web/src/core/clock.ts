/**
 * The warehouse's time: the hub says it with every heartbeat, and it may run faster than the wall (demonstrations).
 * Ages and "now" in the console come from here, never from the browser's own clock.
 */
export class BusinessClock {
  private at = 0;
  private base = Date.now();
  private speed = 1;
  private monotonic: () => number;
  constructor(monotonic: () => number = () => performance.now()) {
    this.monotonic = monotonic;
    this.at = monotonic();
  }
  setSpeed(speed: number) {
    this.sync(this.now());
    this.speed = speed > 0 ? speed : 1;
  }
  sync(nowMs: number) {
    this.base = nowMs;
    this.at = this.monotonic();
  }
  now(): number {
    return this.base + (this.monotonic() - this.at) * this.speed;
  }
}
export const clock = new BusinessClock();
