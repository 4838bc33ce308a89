import { BLANK, type Line, line, span, visibleField } from '../components/index.ts';
import type { ListState } from './list-state.ts';

const LABEL = '  Filter: ';

/** The filter's row and the caret in it; blank while there is none. */
export function filterLine(
  state: Pick<ListState, 'filter' | 'typing'>,
  columns: number,
): { line: Line; caret?: number } {
  if (state.typing !== undefined) {
    const shown = visibleField(state.typing.field, Math.max(1, columns - LABEL.length - 2));
    return {
      line: line(span(LABEL, 'quiet'), span(shown.text, 'field')),
      caret: LABEL.length + shown.caret,
    };
  }
  return { line: state.filter === '' ? BLANK : line(span(LABEL, 'quiet'), span(state.filter, 'strong')) };
}
