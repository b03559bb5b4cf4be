// What a report is, apart from its figures: period, groups, filters, order. Saved as it stands, so
// that "last month" is the last month whenever it is opened.
import type { ReportGroup, ReportQuery, ReportSort } from '../../api';
import { presets, resolved, usualPeriod, type Period } from './period';

export interface Definition {
  period: Period;
  by: ReportGroup[];
  products: string[];
  warehouses: string[];
  companies: string[];
  categories: string[];
  all: boolean;
  sort: ReportSort;
  descending: boolean;
}

export interface Saved {
  name: string;
  definition: Definition;
}

export const groups: ReportGroup[] = [
  'product',
  'warehouse',
  'company',
  'category',
  'day',
  'week',
  'month',
];
export const sorts: ReportSort[] = ['groups', 'opening', 'in', 'out', 'closing', 'entries'];

export const usual: Definition = {
  period: usualPeriod,
  by: ['product', 'warehouse'],
  products: [],
  warehouses: [],
  companies: [],
  categories: [],
  all: false,
  sort: 'groups',
  descending: false,
};

/** A group more, at the end, or one less. A week lies in two months: without days one of them goes. */
export function toggleGroup(by: ReportGroup[], group: ReportGroup): ReportGroup[] {
  const next = by.includes(group) ? by.filter((g) => g !== group) : [...by, group];
  const isTorn = next.includes('week') && next.includes('month') && !next.includes('day');
  if (!isTorn) return next;
  const older = group === 'week' ? 'month' : 'week';
  return next.filter((g) => g !== older);
}

/** The engine's question; null while the period is none. */
export function query(definition: Definition, now: string): ReportQuery | null {
  const { period, ...rest } = definition;
  const r = resolved(period, now);
  return r.ok ? { ...rest, from: r.from, to: r.to } : null;
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];

function readPeriod(value: unknown): Period {
  const { kind, from, to } = (value ?? {}) as Record<string, unknown>;
  const kinds: readonly unknown[] = [...presets, 'typed', 'as_of'];
  if (!kinds.includes(kind)) return usualPeriod;
  return { kind: kind as Period['kind'], from: String(from ?? ''), to: String(to ?? '') };
}

/** A definition as it was kept; whatever cannot be understood is as usual. */
export function readDefinition(value: unknown): Definition {
  const d = (value ?? {}) as Record<string, unknown>;
  const known = texts(d['by']).filter((g): g is ReportGroup => groups.includes(g as ReportGroup));
  return {
    period: readPeriod(d['period']),
    by: Array.isArray(d['by'])
      ? known.reduce<ReportGroup[]>((by, g) => (by.includes(g) ? by : toggleGroup(by, g)), [])
      : usual.by,
    products: texts(d['products']),
    warehouses: texts(d['warehouses']),
    companies: texts(d['companies']),
    categories: texts(d['categories']),
    all: d['all'] === true,
    sort: sorts.includes(d['sort'] as ReportSort) ? (d['sort'] as ReportSort) : 'groups',
    descending: d['descending'] === true,
  };
}

/** The list as it was kept. */
export function readSaved(value: unknown): Saved[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((one) => typeof (one as Saved | null)?.name === 'string')
    .map((one) => ({
      name: (one as Saved).name,
      definition: readDefinition((one as Saved).definition),
    }));
}

/** With this one under its name, which replaces the one before it; sorted by name. */
export function withSaved(list: Saved[], name: string, definition: Definition): Saved[] {
  const others = list.filter((one) => one.name !== name.trim());
  const next = [...others, { name: name.trim(), definition }];
  return next.sort((a, b) => a.name.localeCompare(b.name));
}

export function isFiltered(d: Definition): boolean {
  return d.products.length + d.warehouses.length + d.companies.length + d.categories.length > 0;
}
