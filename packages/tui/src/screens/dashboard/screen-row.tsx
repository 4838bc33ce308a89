import { Text } from 'ink';
import { memo } from 'react';
import { type Line, sameLine } from '../../components/index.ts';
import { CURSOR, lookProps, THEME } from './theme.ts';

interface ScreenRowProps {
  /** Already as wide as the screen: Ink has nothing left to lay out. */
  line: Line;
}

/** One row of the screen, drawn again only where it differs. */
export const ScreenRow = memo(
  function ScreenRow({ line }: ScreenRowProps) {
    return (
      <Text wrap="truncate" {...(line.selected ? CURSOR : {})}>
        {line.spans.map((piece, at) => (
          <Text
            // biome-ignore lint/suspicious/noArrayIndexKey: a piece of a row is nothing but its place in it
            key={at}
            {...(piece.look === undefined ? {} : lookProps(piece.look))}
            {...(piece.selected === true ? CURSOR : {})}
            {...THEME[piece.tone]}
          >
            {piece.text}
          </Text>
        ))}
      </Text>
    );
  },
  (before, after) => sameLine(before.line, after.line),
);
