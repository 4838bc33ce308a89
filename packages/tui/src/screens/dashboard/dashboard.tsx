import { Box, useApp, useCursor, useInput, usePaste, useWindowSize } from 'ink';
import { useEffect, useLayoutEffect } from 'react';
import { useStore } from 'zustand';
import { keysOf } from '../../keys/index.ts';
import type { Program } from './program.ts';
import { ScreenRow } from './screen-row.tsx';

interface DashboardProps {
  program: Program;
  /** Given what hands the terminal to the shell and takes it back. */
  onReady: (terminal: { suspend: (callback: () => Promise<void>) => void }) => void;
}

/** The terminal's side of the program: every key and every paste comes in here, every frame goes out. */
export function Dashboard({ program, onReady }: DashboardProps) {
  const { frame } = useStore(program.frames);
  const { columns, rows } = useWindowSize();
  const { suspendTerminal } = useApp();
  const { setCursorPosition } = useCursor();

  useEffect(() => {
    onReady({ suspend: (callback) => void suspendTerminal(callback) });
  }, [onReady, suspendTerminal]);
  useLayoutEffect(() => program.resize({ columns, rows }), [program, columns, rows]);
  useInput((input, key) => program.press(keysOf(input, key)));
  usePaste((text) => program.paste(text));
  setCursorPosition(frame.cursor);

  return (
    <Box flexDirection="column" height={frame.lines.length} width="100%">
      {frame.lines.slice(0, rows).map((line, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row of the screen is nothing but its place on it
        <ScreenRow key={row} line={line} />
      ))}
    </Box>
  );
}
