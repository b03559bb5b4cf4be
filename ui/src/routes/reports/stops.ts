// The points of a chart whose values can be read out, from left to right (horizontal bars: from top to
// bottom), each with its values and the marks that show them.
import type { ReportChart, ReportChartKind } from '../../api';

export interface Mark {
  x: number;
  y: number;
  colour: string;
}

export interface Stop {
  label: string;
  x: number;
  y: number;
  /** One for each series of the legend. */
  values: number[];
  marks: Mark[];
}

function byDay(chart: ReportChart): Stop[] {
  // Lines are thinned and bars bundled where there are more days than pixels: the table has every value.
  const values = new Map(chart.rows.map((row) => [row.label, row.values]));
  const stops = new Map<string, Stop>();
  for (const { points, colour } of chart.series) {
    for (const { x, y, label } of points) {
      const stop = stops.get(label) ?? { label, x, y, values: values.get(label) ?? [], marks: [] };
      stop.marks.push({ x, y, colour });
      stops.set(label, stop);
    }
  }
  return [...stops.values()].sort((a, b) => a.x - b.x || a.label.localeCompare(b.label));
}

function each(chart: ReportChart): Stop[] {
  return chart.series.flatMap(({ points, colour }) =>
    points.map(({ x, y, label, value }) => ({
      label,
      x,
      y,
      values: [value],
      marks: [{ x, y, colour }],
    })),
  );
}

export function stopsOf(chart: ReportChart, kind: ReportChartKind): Stop[] {
  return kind === 'days' ? byDay(chart) : each(chart);
}

/** The point nearest to the pointer; -1 if there is none. */
export function nearest(stops: Stop[], kind: ReportChartKind, x: number, y: number): number {
  const distance = (stop: Stop) => Math.abs(kind === 'movers' ? stop.y - y : stop.x - x);
  let best = -1;
  let least = Infinity;
  stops.forEach((stop, i) => {
    const now = distance(stop);
    if (now < least) [best, least] = [i, now];
  });
  return best;
}

/** The point that a key leads to; null if the key does nothing in a chart. */
export function step(code: string, at: number, count: number): number | null {
  const leads: Record<string, number> = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at < 0 ? count - 1 : at - 1,
    ArrowUp: at < 0 ? count - 1 : at - 1,
    PageDown: at + 7,
    PageUp: at - 7,
    Home: 0,
    End: count - 1,
  };
  const to = leads[code];
  return to === undefined || count === 0 ? null : Math.max(0, Math.min(to, count - 1));
}
