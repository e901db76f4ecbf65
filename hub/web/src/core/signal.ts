import { useSyncExternalStore } from 'react';

/** A value that tells its listeners when it has changed; the smallest store there is. */
export class Signal<T> {
  private value: T;
  private listeners = new Set<() => void>();
  constructor(value: T) {
    this.value = value;
  }
  get = (): T => this.value;
  set = (value: T) => {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const f of [...this.listeners]) f();
  };
  subscribe = (f: () => void) => {
    this.listeners.add(f);
    return () => {
      this.listeners.delete(f);
    };
  };
}

export const useSignal = <T>(s: Signal<T>): T => useSyncExternalStore(s.subscribe, s.get);
