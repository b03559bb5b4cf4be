// The language, as reactive state: every message read in a template follows a switch at once,
// and nothing is reloaded, so that a draft in the form survives it.
import { baseLocale, locales, overwriteGetLocale, setLocale } from './paraglide/runtime';

export type Locale = (typeof locales)[number];

let current = $state<Locale>(baseLocale);
overwriteGetLocale(() => current);

export const locale = {
  get current(): Locale {
    return current;
  },
  choose(next: Locale): void {
    current = next;
    document.documentElement.lang = next;
    void setLocale(next, { reload: false });
  },
};

/** The language for a person who has not chosen yet: Chinese for a Chinese desktop, else English. */
export function fittingLocale(chosen: string, desktop: readonly string[]): Locale {
  if ((locales as readonly string[]).includes(chosen)) return chosen as Locale;
  const first = desktop[0] ?? '';
  return first.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}
