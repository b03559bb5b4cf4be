// How fast a run goes and how long it may still take, from the progress it reports. Pure: time comes
// with the report.
import type { AuditProgress } from '../../api';

export interface Pace {
  /** Keys, tables or messages a second; null before it can be told. */
  rate: number | null;
  /** Milliseconds left in this phase; null where the end is unknown. */
  left: number | null;
}

interface Sample {
  at: number;
  done: number;
}

/** A rate looks back this far, so that it follows a server that slows down. */
const windowMs = 5000;
/** Before this much time has passed a rate is a guess. */
const leastMs = 400;

export class PaceMaker {
  #phase: AuditProgress['phase'] | null = null;
  #samples: Sample[] = [];

  feed(p: AuditProgress): Pace {
    if (p.phase !== this.#phase) this.#samples = [];
    this.#phase = p.phase;
    this.#samples.push({ at: p.elapsed_ms, done: p.done });
    // The newest sample that is old enough to look back to stays as the first.
    while (this.#samples.length > 2 && p.elapsed_ms - (this.#samples[1]?.at ?? 0) >= windowMs)
      this.#samples.shift();
    const first = this.#samples[0] as Sample;
    const time = p.elapsed_ms - first.at;
    const done = p.done - first.done;
    if (time < leastMs || done <= 0) return { rate: null, left: null };
    const isEndKnown = p.total >= p.done && p.total > 0;
    return {
      rate: Math.round((done * 1000) / time),
      left: isEndKnown ? Math.round(((p.total - p.done) * time) / done) : null,
    };
  }
}

/** Done part in whole percent; null where the end is unknown. */
export function percent(p: AuditProgress): number | null {
  if (p.total <= 0) return null;
  return Math.min(100, Math.floor((p.done * 100) / p.total));
}
