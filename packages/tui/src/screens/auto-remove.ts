import type { ServerPlan } from '@towline/core/plan';
import { type Line, line, span, wrapText } from '../components/index.ts';

/** Of what was created with `--rm`: that its agent won't do it for the dashboard, and what does. */
export function autoRemoveLines({ armed }: ServerPlan, width: number): Line[] {
  return armed
    .filter(({ autoRemove }) => autoRemove)
    .flatMap(({ container }) =>
      wrapText(
        `${container} was created with --rm: its stop deletes it, and its agent refuses that. \`towline execute\` with --allow-auto-remove does it.`,
        width,
      ),
    )
    .map((text) => line(span(text, 'bad')));
}
