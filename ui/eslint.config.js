import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

const tauri = { group: ['@tauri-apps/*'], message: 'Only src/api talks to Tauri.' };

/**
 * A room may import from the rooms below it: routes → documents → shell → components → reading. These are
 * the rooms above it, and the door, where it is closed to this room.
 */
function above(room, ...rooms) {
  const regex = `^(\\.\\./)+(${rooms.join('|')})(/|$)`;
  const message = `src/${room} stands below this: routes → documents → shell → components → reading.`;
  return arrows(room, [tauri, { regex, message }]);
}
function arrows(room, patterns) {
  return {
    files: [`src/${room}/**`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
}
/** Its types are anybody's; the commands behind them are not. */
const door = 'api(?!/bindings/)';

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'src/i18n/paraglide/', 'src/api/bindings/'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-imports': ['error', { patterns: [tauri] }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      // The CSP refuses inline styles; geometry goes through the place action.
      'svelte/no-inline-styles': 'error',
      'svelte/no-at-html-tags': 'error',
    },
  },
  arrows('routes', [
    tauri,
    // Routes have no folders of their own, so that one step up is a neighbour.
    {
      regex: '^\\.\\./(?!\\.\\./)',
      message: 'A route opens what is in documents, not a neighbour.',
    },
    { regex: '^(\\.\\./)+routes(/|$)', message: 'A route knows no other route.' },
  ]),
  above('documents', 'routes'),
  above('shell', 'routes', 'documents'),
  above('components', 'routes', 'documents', 'shell', door),
  above('reading', 'routes', 'documents', 'shell', 'components', 'i18n', 'api'),
  above('i18n', 'routes', 'documents', 'shell', 'components', 'reading', door),
  {
    files: ['src/api/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(\\.\\./)+(routes|documents|shell|components|reading)(/|$)',
              message: 'The door knows nobody who goes through it.',
            },
          ],
        },
      ],
    },
  },
  { files: ['dev/**'], rules: { 'no-console': 'off' } },
);
