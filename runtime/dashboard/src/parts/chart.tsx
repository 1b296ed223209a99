import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export type Series = { label: string; values: (number | null)[] };
const colours = ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6'];

/**
 * A time chart. `times` are epoch seconds, rising. The chart is a picture of numbers that stand in a table too
 * (`summary` says it in words for a screen reader).
 */
export function Chart({
  times,
  series,
  height = 240,
  summary,
  band,
  window,
}: {
  times: number[];
  series: Series[];
  height?: number;
  summary: string;
  band?: boolean;
  /** What the time axis shows, epoch milliseconds, and on to the newest reading; the readings alone when absent. */
  window?: { from: number; to: number };
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shape = series.map((s) => s.label).join('|');
  // Made anew only when its series change; data goes in below.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const make = () => {
      plot.current?.destroy();
      const ink = colourOf(element, '--muted');
      const grid = colourOf(element, '--line');
      const axis = {
        stroke: ink,
        grid: { stroke: grid, width: 1 },
        ticks: { stroke: grid, width: 1 },
        font: '12px system-ui',
      };
      plot.current = new uPlot(
        {
          width: Math.max(element.clientWidth, 200),
          height,
          cursor: { y: false },
          ...(window
            ? {
                scales: {
                  x: {
                    range: (_plot: uPlot, _least: number, most: number) =>
                      [window.from / 1_000, Math.max(window.to / 1_000, most)] as [number, number],
                  },
                },
              }
            : {}),
          legend: { show: series.length > 1, live: true },
          axes: [axis, { ...axis, size: 56 }],
          series: [
            {},
            ...series.map((s, i) => ({
              label: s.label,
              stroke: colourOf(element, colours[i % colours.length] as string),
              width: 1.75,
              points: { show: times.length < 80, size: 4 },
              spanGaps: false,
            })),
          ],
          ...(band && series.length >= 3
            ? { bands: [{ series: [3, 2] as [number, number], fill: 'rgba(31,111,235,0.10)' }] }
            : {}),
        },
        [times, ...series.map((s) => s.values)] as uPlot.AlignedData,
        element,
      );
    };
    make();
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(element.clientWidth, 200), height }),
    );
    resize.observe(element);
    addEventListener('themechange', make);
    return () => {
      removeEventListener('themechange', make);
      resize.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, height, window?.from, window?.to]);
  useEffect(() => {
    plot.current?.setData([times, ...series.map((s) => s.values)] as uPlot.AlignedData);
  }, [times, series]);
  return <div class="chart" ref={box} role="img" aria-label={summary} />;
}

/** A theme colour as a canvas understands it: `light-dark()` resolves where it is used, not in the variable. */
function colourOf(element: HTMLElement, variable: string): string {
  element.style.color = `var(${variable})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}
