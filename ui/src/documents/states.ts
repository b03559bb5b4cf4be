// How far a bill or a line has come, in words and in a tone.
import type { LineState } from '../api';
import { m } from '../i18n/paraglide/messages';

const states: Record<LineState, () => string> = {
  saved: m.state_saved,
  sent: m.state_sent,
  in_ledger: m.state_in_ledger,
  in_stock: m.state_in_stock,
  rejected: m.state_rejected,
  duplicate: m.state_duplicate,
};

export function stateWord(state: LineState): string {
  return states[state]();
}

export function stateTone(state: LineState): 'ok' | 'bad' | 'going' {
  if (state === 'in_stock') return 'ok';
  return state === 'rejected' || state === 'duplicate' ? 'bad' : 'going';
}
