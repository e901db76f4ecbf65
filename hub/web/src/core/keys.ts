import { useEffect, useRef } from 'react';
import { keyName } from './keyname';

/** What a person can press: a key's name after its place on the board ("s", "/", "?"), or two in a row ("g s"). */
export type Bindings = Record<string, () => void>;

const PREFIX_MS = 1500;
const PRESSABLE = 'button, a, summary, [role=button], [role=link], [role=grid], [role=menuitem]';
const FIELD = /^(INPUT|TEXTAREA|SELECT)$/;

/** Keys belong to text while a field has the focus or an input method composes (Safari ends composing too early: 229). */
export function isTyping(e: KeyboardEvent): boolean {
  const el = e.target as HTMLElement | null;
  const field =
    !!el && (FIELD.test(el.tagName) || el.isContentEditable) && (el as HTMLInputElement).type !== 'checkbox';
  return e.isComposing || e.keyCode === 229 || field;
}

class Keyboard {
  private stack: { bindings: Bindings }[] = [];
  private prefix = '';
  private prefixAt = 0;
  constructor() {
    window.addEventListener('keydown', (e) => this.press(e));
  }
  bind(layer: { bindings: Bindings }): () => void {
    this.stack.push(layer);
    return () => {
      this.stack = this.stack.filter((l) => l !== layer);
    };
  }
  private press(e: KeyboardEvent) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || isTyping(e)) return;
    const name = keyName(e);
    if (name === 'enter' && (e.target as HTMLElement | null)?.closest?.(PRESSABLE)) return; // it is that control's own
    const pair = performance.now() - this.prefixAt < PREFIX_MS ? `${this.prefix} ${name}` : '';
    this.prefix = name;
    this.prefixAt = performance.now();
    const act = (pair && this.find(pair)) || this.find(name);
    if (!act) return;
    if (act === this.find(pair)) this.prefixAt = 0;
    e.preventDefault();
    act();
  }
  /** The page on top is asked first. */
  private find = (name: string) => this.stack.findLast((l) => l.bindings[name])?.bindings[name];
}
const keyboard = new Keyboard();

export function useKeys(bindings: Bindings) {
  const layer = useRef({ bindings });
  layer.current.bindings = bindings;
  useEffect(() => keyboard.bind(layer.current), []);
}
