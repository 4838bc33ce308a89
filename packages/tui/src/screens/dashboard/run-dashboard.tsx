import process from 'node:process';
import { render } from 'ink';
import { sanitizeLine } from '../../components/index.ts';
import type { Fleet } from '../../fleet/index.ts';
import { Dashboard } from './dashboard.tsx';
import type { Place } from './model.ts';
import { createProgram } from './program.ts';

/** Signals that ask the dashboard to leave; it leaves the terminal as it found it, and says which one it was. */
const ENDING: ReadonlyMap<NodeJS.Signals, number> = new Map([
  ['SIGTERM', 15],
  ['SIGHUP', 1],
  ['SIGINT', 2],
]);
const SIGNAL_EXIT_BASE = 128;

/**
 * Draws until the operator leaves or a signal comes. Returns the exit code: 0, or 128 and the signal's number.
 * Throws what was thrown inside, after the terminal is back.
 */
export async function runDashboard(fleet: Fleet, place: Place | undefined): Promise<number> {
  const { stdin, stdout } = process;
  let exitCode = 0;
  let fault: { error: unknown } | undefined;
  let suspendTerminal: ((callback: () => Promise<void>) => void) | undefined;

  const leave = (code: number) => {
    exitCode = code;
    instance.unmount();
  };
  const program = createProgram({
    fleet,
    place,
    size: { columns: stdout.columns, rows: stdout.rows },
    now: Date.now,
    quit: leave,
    suspend: () => suspendTerminal?.(stopUntilContinued),
  });
  const signals = [...ENDING].map(([signal, number]) => {
    const listener = () => leave(SIGNAL_EXIT_BASE + number);
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  const fail = (error: unknown) => {
    fault ??= { error };
    leave(1);
  };
  // Without this the reason would be written into the alternate screen, and leave with it.
  process.on('uncaughtException', fail);
  // A terminal that was hung up answers every write with an error: there is nobody left to tell.
  const ignore = () => {};
  stdout.on('error', ignore);

  // Before the first frame, not after it as Ink does: what an impatient operator types meanwhile would be echoed into it,
  // and an Enter at its foot would scroll it away.
  stdin.setRawMode(true);
  const instance = render(
    <Dashboard
      program={program}
      onReady={(terminal) => {
        suspendTerminal = terminal.suspend;
      }}
    />,
    {
      alternateScreen: true,
      incrementalRendering: true,
      exitOnCtrlC: false,
      // Not left to a guess by the environment: whoever calls has asked for both ends to be terminals.
      interactive: true,
    },
  );
  try {
    await instance.waitUntilExit();
  } finally {
    const goesOn = program.farewell();
    program.close();
    instance.cleanup();
    stdin.setRawMode(false);
    for (const text of goesOn) stdout.write(`${sanitizeLine(text)}\n`);
    for (const off of signals) off();
    process.off('uncaughtException', fail);
    stdout.off('error', ignore);
  }
  if (fault !== undefined) throw fault.error;
  return exitCode;
}

/** As Ctrl-Z does it for a program that does not read keys itself: the whole job stops, until `fg`. */
function stopUntilContinued(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGCONT', () => resolve());
    process.kill(0, 'SIGTSTP');
  });
}
