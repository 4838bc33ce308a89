import { expect, test } from 'vitest';
import { lineText } from '../components/index.ts';
import { footer } from './footer.ts';

test('a key that can do nothing now stands in brackets, one that makes no sense is not there', () => {
  const shown = lineText(footer('job', 80, { disabled: new Set(['logs']), hidden: new Set(['cancel-job']) }));
  expect(shown).toContain('(l Logs)');
  expect(shown).not.toContain('Cancel job');
  expect(shown).toContain(' ? Help ');
});

test('in a question, Enter says which button it presses', () => {
  const shown = lineText(footer('plan', 80, { texts: { press: 'Cancel', yes: 'Execute' } }));
  expect(shown).toContain(' Enter Cancel ');
  expect(shown).toContain(' y Execute ');
});
