// The one table that maps an error's code to its title and severity. The engine's own message is shown
// below the title, never instead of it.
import { m } from '../i18n/paraglide/messages';
import { said } from '../i18n/said';
import type { Failure } from './bindings/Failure';

interface FailureWords {
  title: string;
  /** What a person can do about it, where the title does not say it. */
  cure?: string;
  /** wait: it passes by itself; act: a person must do something. */
  severity: 'wait' | 'act';
}

const table: Record<string, () => FailureWords> = {
  starting: () => ({ title: m.failure_starting(), severity: 'wait' }),
  unreachable: () => ({ title: m.failure_unreachable(), severity: 'wait' }),
  cancelled: () => ({ title: m.failure_cancelled(), severity: 'wait' }),
  config: () => ({ title: m.failure_config(), cure: m.cure_config(), severity: 'act' }),
  refused: () => ({ title: m.failure_refused(), severity: 'act' }),
  locked: () => ({ title: m.failure_locked(), cure: m.cure_locked(), severity: 'act' }),
  corrupt: () => ({ title: m.failure_corrupt(), severity: 'act' }),
  full: () => ({ title: m.failure_full(), cure: m.cure_full(), severity: 'act' }),
  not_found: () => ({ title: m.failure_not_found(), severity: 'act' }),
  invalid: () => ({ title: m.failure_invalid(), severity: 'act' }),
  internal: () => ({ title: m.failure_internal(), severity: 'act' }),
};

export function failureWords(failure: Failure): FailureWords {
  return (table[failure.code] ?? table['internal'])?.() as FailureWords;
}

/** A failure to show: its title, and the engine's message below it. */
export function failureText(failure: Failure): { title: string; detail: string } {
  return { title: failureWords(failure).title, detail: said(failure.message) };
}
