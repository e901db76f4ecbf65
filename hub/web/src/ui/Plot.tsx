import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useT } from '../i18n/i18n';

export type Ink = { of: (token: string) => string; font: string; wall: boolean };
export type Drawing = { options: (ink: Ink) => Omit<uPlot.Options, 'width' | 'height'>; data: uPlot.AlignedData };

const readInk = (): Ink => {
  const style = getComputedStyle(document.documentElement);
  const of = (token: string) => style.getPropertyValue(token).trim();
  const wall = document.documentElement.classList.contains('kiosk');
  return { of, wall, font: `${wall ? 14 : 11}px ${of('--font')}` };
};

type Props = { drawing: Drawing; label: string; testid?: string; onPlot?: (u: uPlot | null) => void };
/** A uPlot canvas that follows its box, the theme and the language; canvas has no CSS, so it is built anew for each. */
export function Plot({ drawing, label, testid, onPlot }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { lang } = useT();
  const { options, data } = drawing;
  const latest = useRef(data);
  latest.current = data;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of language changes every label
  useEffect(() => {
    const el = host.current as HTMLDivElement;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(
        { ...options(readInk()), width: el.clientWidth, height: el.clientHeight },
        latest.current,
        el,
      );
      onPlot?.(plot.current);
    };
    make();
    const resize = new ResizeObserver(() => plot.current?.setSize({ width: el.clientWidth, height: el.clientHeight }));
    resize.observe(el);
    const theme = new MutationObserver(make);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-mantine-color-scheme'] });
    return () => {
      resize.disconnect();
      theme.disconnect();
      plot.current?.destroy();
      plot.current = null;
      onPlot?.(null);
    };
  }, [options, lang, onPlot]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return <div className="chart" ref={host} role="img" aria-label={label} data-testid={testid} />;
}
