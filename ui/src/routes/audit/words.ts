// The audit's words: states, causes, actions and outcomes, each with one name in each language.
import type {
  AuditAction,
  AuditCause,
  AuditKind,
  AuditLine,
  AuditOutcome,
  AuditPhase,
  AuditRun,
  AuditStore,
  AuditTrigger,
  ReplayKind,
} from '../../api';
import { formatCount } from '../../reading/quantity';
import { span } from '../../reading/times';
import { locale } from '../../i18n/locale.svelte';
import { m } from '../../i18n/paraglide/messages';
import { cutWords } from './cut';

const causes: Record<AuditCause, () => string> = {
  stock_lost: m.cause_stock_lost,
  stock_doubled: m.cause_stock_doubled,
  stock_edited: m.cause_stock_edited,
  stock_damaged: m.cause_stock_damaged,
  stock_unknown_key: m.cause_stock_unknown_key,
  row_missing: m.cause_row_missing,
  row_doubled: m.cause_row_doubled,
  row_changed: m.cause_row_changed,
  row_foreign: m.cause_row_foreign,
  totals_wrong: m.cause_totals_wrong,
  balances_wrong: m.cause_balances_wrong,
  source_wrong: m.cause_source_wrong,
  table_missing: m.cause_table_missing,
  verdict_changed: m.cause_verdict_changed,
  entry_id_reused: m.cause_entry_id_reused,
};
export const allCauses = Object.keys(causes) as AuditCause[];
export const causeWord = (cause: AuditCause) => causes[cause]();

const stores: Record<AuditStore, () => string> = {
  stock: m.audit_store_stock,
  ledger: m.audit_store_ledger,
};
export const storeWord = (store: AuditStore) => stores[store]();

const actions: Record<AuditAction, () => string> = {
  corrected: m.audit_action_corrected,
  proposed: m.audit_action_proposed,
  none: m.audit_action_none,
};
export const actionWord = (action: AuditAction) => actions[action]();
const actionTones = { corrected: 'ok', proposed: 'going', none: 'bad' } as const;
export const actionTone = (action: AuditAction) => actionTones[action];

const outcomes: Record<AuditOutcome, () => string> = {
  clean: m.audit_outcome_clean,
  corrected: m.audit_outcome_corrected,
  deviations: m.audit_outcome_deviations,
  storm: m.audit_outcome_storm,
  cancelled: m.audit_outcome_cancelled,
};
export const outcomeWord = (outcome: AuditOutcome) => outcomes[outcome]();
export const outcomeTone = (outcome: AuditOutcome) =>
  outcome === 'deviations' || outcome === 'storm'
    ? 'bad'
    : outcome === 'cancelled'
      ? 'plain'
      : 'ok';

const kinds: Record<AuditKind, () => string> = {
  quick: m.audit_quick,
  full: m.audit_full,
  replay: m.replay,
};
export const kindWord = (kind: AuditKind) => kinds[kind]();

const triggers: Record<AuditTrigger, () => string> = {
  click: m.audit_trigger_click,
  command: m.audit_trigger_command,
  time: m.audit_trigger_time,
};
export const triggerWord = (trigger: AuditTrigger) => triggers[trigger]();

const phases: Record<AuditPhase, () => string> = {
  waiting: m.audit_phase_waiting,
  keys: m.audit_phase_keys,
  tables: m.audit_phase_tables,
  confirming: m.audit_phase_confirming,
  correcting: m.audit_phase_correcting,
  queue: m.audit_phase_queue,
};
export const phaseWord = (phase: AuditPhase) => phases[phase]();

const findings: Record<ReplayKind, () => string> = {
  missing: m.replay_kind_missing,
  extra: m.replay_kind_extra,
  doubled: m.replay_kind_doubled,
  changed: m.replay_kind_changed,
};
export const findingWord = (kind: ReplayKind) => findings[kind]();

const states = {
  normal: m.audit_state_normal,
  nrs_missing: m.audit_state_nrs_missing,
  doubled: m.audit_state_doubled,
};
/** The specification's word; beside it, in English, what it means. */
export function stateWord(line: Pick<AuditLine, 'state' | 'state_words'>): string {
  if (locale.current !== 'en') return line.state_words;
  return `${line.state_words} · ${states[line.state]()}`;
}

/** What a deviation is about: names where a key is known. */
export function subjectWord(
  line: Pick<AuditLine, 'key' | 'subject' | 'warehouse_name' | 'product_name'>,
) {
  return line.key ? `${line.warehouse_name} · ${line.product_name}` : line.subject;
}

export function spanWord(ms: number): string {
  const { unit, count } = span(ms);
  const words = { ms: m.span_ms, s: m.span_s, min: m.span_min, h: m.span_h };
  return words[unit]({ count });
}

/** The sentence that a result leads with: what agrees, where, and how fast that was known. */
export function leadWord(run: AuditRun): string {
  const took = spanWord(run.took_ms);
  const cut = cutWords(run.cut);
  if (run.kind === 'replay') return m.audit_replayed({ rows: formatCount(run.rows), took });
  if (run.keys === 0 && run.outcome === 'cancelled') return m.audit_judged_none({ took });
  if (run.keys === 0) return m.audit_nothing({ took });
  const counts = { equal: formatCount(run.equal), keys: formatCount(run.keys), took };
  return cut ? m.audit_agree({ ...counts, cut }) : m.audit_agree_bare(counts);
}
