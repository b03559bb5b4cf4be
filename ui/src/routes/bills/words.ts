// Codes of the bill's contract to words on screen.
import type { LineError, RejectedEntry } from '../../api';
import { m } from '../../i18n/paraglide/messages';
import { said } from '../../i18n/said';

const rules: Record<string, () => string> = {
  missing: m.rule_missing,
  empty: m.rule_missing,
  too_long: m.rule_too_long,
  control: m.rule_control,
  blank: m.rule_blank,
  colon: m.rule_colon,
  time: m.rule_time,
  not_integer: m.rule_not_integer,
  quantity_range: m.rule_quantity_range,
  unknown_product: m.rule_unknown_product,
  negative_stock: m.rule_negative_stock,
  bill_exists: m.rule_bill_exists,
  no_lines: m.rule_no_lines,
};

/** A rule in words; the engine's own sentence where the code is new to this table. */
export function ruleWords(error: Pick<LineError, 'rule' | 'message'>): string {
  return rules[error.rule]?.() ?? said(error.message);
}

/** The same for a table that was not taken: there is no line yet to create a product in. */
export function tableRuleWords(error: Pick<LineError, 'rule' | 'message'>): string {
  return error.rule === 'unknown_product' ? m.rule_no_such_product() : ruleWords(error);
}

const fields: Record<string, () => string> = {
  product_id: m.product,
  quantity: m.quantity,
  description: m.description,
  company_id: m.company,
  warehouse_id: m.warehouse,
  bill_id: m.bill_no,
  create_time: m.time,
  drcr: m.direction,
  lines: m.lines,
};

export function fieldWord(field: string): string {
  return fields[field]?.() ?? field;
}

/** A problem of a line, with the field it is in. */
export function problemWords(error: Pick<LineError, 'field' | 'rule' | 'message'>): string {
  return m.field_problem({ field: fieldWord(error.field), problem: ruleWords(error) });
}

const kinds: Record<string, () => string> = {
  invalid: m.rejected_invalid,
  duplicate: m.rejected_duplicate,
  window: m.rejected_window,
  overflow: m.rejected_overflow,
};

export function rejectedWord(kind: string): string {
  return kinds[kind]?.() ?? kind;
}

/** Why an entry was refused, and in which field if it was one. */
export function rejectedTitle(entry: Pick<RejectedEntry, 'kind' | 'field'>): string {
  const word = rejectedWord(entry.kind);
  const known = entry.kind === 'invalid' && entry.field && fields[entry.field]?.();
  return known ? m.field_problem({ field: word, problem: known }) : word;
}
