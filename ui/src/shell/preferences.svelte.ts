// What this desktop remembers: language, theme, scanner, policies, column widths. Effective at
// once, written behind, one write after another so that the last one wins.
import { ask, failure, type Failure, type NegativePolicy, type Preferences } from '../api';
import { fittingLocale, locale } from '../i18n/locale.svelte';

const blank: Preferences = {
  language: '',
  theme: 'system',
  scanner: { prefix: '', suffix: '' },
  negative: 'warn',
  negative_by_warehouse: {},
  last_company: '',
  last_warehouse: '',
  first_run: true,
  screen: {},
};

let current = $state.raw<Preferences>(blank);
let trouble = $state.raw<Failure | null>(null);
let isLoaded = false;
let writing: Promise<void> = Promise.resolve();
const dark = window.matchMedia('(prefers-color-scheme: dark)');

function show(): void {
  const isDark = current.theme === 'dark' || (current.theme === 'system' && dark.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  locale.choose(fittingLocale(current.language, navigator.languages));
}
dark.addEventListener('change', show);

export const preferences = {
  get current(): Preferences {
    return current;
  },
  /** Why the last write failed. */
  get trouble(): Failure | null {
    return trouble;
  },
  async load(): Promise<void> {
    show();
    const settings = await ask('settings_get', {});
    current = { ...blank, ...settings.preferences };
    isLoaded = true;
    show();
  },
  change(patch: Partial<Preferences>): void {
    current = { ...current, ...patch };
    show();
    // What was never read must not be overwritten.
    if (!isLoaded) return;
    const whole = current;
    writing = writing.then(async () => {
      try {
        await ask('preferences_set', { preferences: whole });
        trouble = null;
      } catch (error) {
        trouble = failure(error);
      }
    });
  },
  policy(warehouse: string): NegativePolicy {
    return current.negative_by_warehouse[warehouse] ?? current.negative;
  },
  /** A screen's own memory; null when there is none or it cannot be read. */
  memory<T>(name: string): T | null {
    const text = current.screen[name];
    if (!text) return null;
    try {
      return JSON.parse(text) as T;
    } catch {
      return null;
    }
  },
  remember(name: string, value: unknown): void {
    preferences.change({ screen: { ...current.screen, [name]: JSON.stringify(value) } });
  },
};
