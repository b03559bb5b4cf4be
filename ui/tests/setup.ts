import { overwriteGetLocale } from '../src/i18n/paraglide/runtime';

// Unit tests speak English unless they say otherwise.
overwriteGetLocale(() => 'en');
