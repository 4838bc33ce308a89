import { expect, test } from 'vitest';
import { lineText } from '../../components/index.ts';
import { SCENES } from '../gallery/scenes.ts';
import type { World } from '../world.ts';
import {
  type LogsState,
  logLinesArrived,
  logStreamEnded,
  logStreamStarted,
  openLogs,
  pressInLogs,
  viewLogs,
} from './logs.ts';

function worldOf(): World {
  const made = SCENES.demo?.();
  if (made === undefined) throw new Error('the scenes are others');
  return {
    now: 0,
    size: { columns: 80, rows: 24 },
    fleet: made.state,
    origin: '',
    readOnly: false,
    operator: 'ada',
    pipeline: undefined,
  };
}

const HEIGHT = 20;

/** The last so many lines of a log that has 50,000. */
function tell(state: LogsState, count: number): LogsState {
  const lines = Array.from({ length: count }, (_, at) => {
    const number = 50_000 - count + at + 1;
    return { at: `t${number}`, stream: 'stdout' as const, line: `line ${number}` };
  });
  return logLinesArrived(state, state, lines);
}

function bottomOf({ window, pinned }: LogsState): string | undefined {
  return window.lines[(pinned?.seq ?? window.total) - window.first]?.raw;
}

test('who scrolls up beyond the first line has the older ones, and stays where they were', () => {
  const world = worldOf();
  const opened = tell(openLogs('alpha', 'gateway'), 1_000);
  const top = pressInLogs(opened, 'first', 'g', world).state;
  expect([top.attempt, top.tail]).toEqual([2, 10_000]);
  const more = tell(top, 10_000);
  expect(bottomOf(more)).toBe(`line ${49_000 + HEIGHT}`);
  const older = pressInLogs(more, 'page-up', 'pgup', world).state;
  expect(bottomOf(older)).toBe('line 49001');
  // There are no more that would be kept: it is not asked again.
  expect(pressInLogs(older, 'first', 'g', world).state.attempt).toBe(2);
});

test('a log that has no older lines is not asked for them', () => {
  const opened = tell(openLogs('alpha', 'gateway'), 300);
  expect(pressInLogs(opened, 'first', 'g', worldOf()).state.attempt).toBe(1);
});

test('a text is found upwards and downwards, and where it is not, that is said', () => {
  const world = worldOf();
  const opened = pressInLogs(tell(openLogs('alpha', 'gateway'), 300), 'search', '/', world).state;
  const typed = [...'LINE 49800'].reduce<LogsState>(
    (state, key) => pressInLogs(state, undefined, key === ' ' ? 'space' : key, world).state,
    opened,
  );
  const below = pressInLogs(typed, 'accept', 'enter', world);
  expect(below.requests).toMatchObject([{ type: 'notice' }]);
  const above = pressInLogs(below.state, 'search-previous', 'N', world).state;
  const { found } = above.search;
  expect(found === undefined ? undefined : above.window.lines[found - above.window.first]?.raw).toBe(
    'line 49800',
  );
});

test('a container that has written nothing is not waited for as if its agent had not answered', () => {
  const foot = (state: LogsState) =>
    viewLogs(state, worldOf(), undefined)
      .lines.at(-2)
      ?.spans.map(({ text }) => text)
      .join('');
  const asked = openLogs('alpha', 'storefront');
  expect(foot(asked)).toContain('Asking alpha for the log');
  const open = logStreamStarted(asked, asked);
  expect(foot(open)).toMatch(/following +it has written nothing/);
  expect(foot(logStreamEnded(open, open, undefined))).toMatch(/ended +it has written nothing/);
  expect(foot(logStreamStarted(asked, { ...asked, attempt: 2 }))).toContain('Asking alpha');
});

test('that the link is lost is said with why for as long as it is, and the log goes on afterwards', () => {
  const world = worldOf();
  const opened = tell(openLogs('alpha', 'gateway'), 30);
  const shown = (at: World) => viewLogs(opened, at, undefined).lines.map(lineText).join('\n');
  expect(shown(world)).toContain('● following');
  const alpha = world.fleet.agents.alpha;
  if (alpha === undefined) throw new Error('the scenes are others');
  const message =
    'The agent at localhost:7443 refuses the token in ~/.config/towline/web.token: The token "board" was revoked. Make one on its machine: towline-agent token create';
  const link = { state: 'lost', message, lastSeenAt: new Date(-12_000).toISOString() } as const;
  const agents = { ...world.fleet.agents, alpha: { ...alpha, link } };
  const away = shown({ ...world, fleet: { ...world.fleet, agents } });
  expect(away).toContain('✗ The link to alpha is lost, last seen 12 s ago.');
  expect(away.replace(/ *\n */g, ' ')).toContain(message);
  expect(away).toContain('line 50000');
  expect(away).not.toContain('following');
});
