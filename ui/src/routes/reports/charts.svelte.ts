// The chart on screen: which one, of what, drawn by Rust in the size and the colours of the moment.
import { ask, failure } from '../../api';
import type {
  Failure,
  ReportChart,
  ReportChartKind,
  ReportColours,
  ReportLook,
  ReportQuery,
} from '../../api';
import { locale } from '../../i18n/locale.svelte';
import { m } from '../../i18n/paraglide/messages';

/** Charts of names have no legend, and no line left free for one. */
export const isNamed = (kind: ReportChartKind) => kind === 'movers' || kind === 'shares';
/** The read-out's line above them. */
export const readOut = 28;

/** The least that is drawn, so that every number has its room. */
const least = { width: 320, height: 160 };

let pixel: CanvasRenderingContext2D | null = null;

/** A colour of the tokens as #rrggbb: they are written in a space of their own. */
function hex(name: string): string {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pixel ??= document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!pixel) return '#808080';
  pixel.fillStyle = value;
  pixel.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0] = pixel.getImageData(0, 0, 1, 1).data;
  return `#${[r, g, b].map((n) => n.toString(16).padStart(2, '0')).join('')}`;
}

const colours = (): ReportColours => ({
  background: hex('--surface'),
  text: hex('--ink'),
  muted: hex('--ink-2'),
  grid: hex('--line'),
  inward: hex('--in'),
  outward: hex('--out'),
  closing: hex('--accent'),
  shares: Array.from({ length: 12 }, (_, i) => hex(`--share-${i + 1}`)),
});

class ChartView {
  kind = $state<ReportChartKind>('days');
  chart = $state.raw<ReportChart | null>(null);
  /** What the chart shows: the kind it was drawn as. */
  drawn = $state<ReportChartKind>('days');
  trouble = $state.raw<Failure | null>(null);
  isTable = $state(false);
  /** Of which row the history tells; none: of the whole report. */
  group = $state.raw<string[]>([]);
  size = { ...least };
  #turn = 0;

  look(title: string, legend: boolean): ReportLook {
    const words = {
      language: locale.current,
      title,
      inward: m.in_word(),
      outward: m.out_word(),
      closing: this.kind === 'history' ? m.balance() : m.closing(),
      others: m.chart_others(),
      nothing: m.no_category(),
      empty: m.chart_empty(),
    };
    return { ...this.size, colours: colours(), words, legend };
  }

  /** Draws; an older picture that comes late is dropped. */
  async draw(query: ReportQuery, width: number, height: number): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const kind = this.kind;
    const room = height - (isNamed(kind) ? readOut : 0);
    this.size = {
      width: Math.max(least.width, Math.floor(width)),
      height: Math.max(least.height, Math.floor(room)),
    };
    const group = kind === 'history' ? this.group : [];
    try {
      const look = this.look('', false);
      const chart = await ask('report_chart', { query, group, chart: kind, look });
      if (turn !== this.#turn) return;
      this.chart = chart;
      this.drawn = kind;
      this.trouble = null;
    } catch (error) {
      if (turn === this.#turn) this.trouble = failure(error);
    }
  }
}

export const chartView = new ChartView();
