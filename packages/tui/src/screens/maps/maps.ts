import {
  BLANK,
  type Line,
  line,
  padEnd,
  select,
  span,
  type Tone,
  textWidth,
  truncateMiddle,
  wrapText,
} from '../../components/index.ts';
import type { FleetState } from '../../fleet/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { filterLine } from '../filter-line.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { linkLoss } from '../link-loss.ts';
import { INITIAL_LIST, type ListState, matches, placeInList, pressInList } from '../list-state.ts';
import { type Outcome, settle } from '../request.ts';
import { titleLine } from '../title.ts';
import type { Size, World } from '../world.ts';

/** Picking the service and the application map to show. */
export interface MapsState {
  list: ListState;
}

export interface MapChoice {
  service: string;
  map: string;
  servers: number;
}

/** Every application map there is, in the file's order. */
export function allMaps(fleet: FleetState): MapChoice[] {
  return fleet.services.flatMap((service) =>
    service.maps.map((map) => ({ service: service.name, map: map.name, servers: map.servers.length })),
  );
}

/** With the cursor on the map that is shown. */
export function openMaps(world: World): MapsState {
  const at = allMaps(world.fleet).findIndex(
    ({ service, map }) => service === world.pipeline?.service && map === world.pipeline.map,
  );
  return { list: { ...INITIAL_LIST, cursor: Math.max(0, at) } };
}

const HEAD_ROWS = 3;
const FOOT_ROWS = 2;

function listHeight(size: Size): number {
  return Math.max(1, size.rows - HEAD_ROWS - FOOT_ROWS);
}

function shownMaps(state: MapsState, world: World): MapChoice[] {
  return allMaps(world.fleet).filter(({ service, map }) => matches(state.list.filter, `${service} / ${map}`));
}

export function pressInMaps(
  state: MapsState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<MapsState> {
  const maps = shownMaps(state, world);
  const height = listHeight(world.size);
  const list = pressInList(state.list, command, key, maps.length, height);
  if (list !== undefined) return settle({ list });
  const chosen = maps[placeInList(state.list, maps.length, height).at];
  if (command === 'open' && chosen !== undefined) {
    return settle(state, { type: 'close' }, { type: 'show-map', service: chosen.service, map: chosen.map });
  }
  if (command === 'back')
    return settle(state, world.pipeline === undefined ? { type: 'quit' } : { type: 'close' });
  return settle(state);
}

export function viewMaps(state: MapsState, world: World): Frame {
  const { size } = world;
  const maps = shownMaps(state, world);
  const height = listHeight(size);
  const { at, top } = placeInList(state.list, maps.length, height);
  const services = Math.min(30, Math.max('SERVICE'.length, ...maps.map(({ service }) => textWidth(service))));
  const names = Math.min(40, Math.max('MAP'.length, ...maps.map(({ map }) => textWidth(map))));
  const rows = maps.slice(top, top + height).map((choice, offset): Line => {
    const current = choice.service === world.pipeline?.service && choice.map === world.pipeline.map;
    const count = `${choice.servers} server${choice.servers === 1 ? '' : 's'}`;
    const cells = [
      span(padEnd(truncateMiddle(choice.service, services), services + 3)),
      span(padEnd(truncateMiddle(choice.map, names), names + 3), 'strong'),
      span(`${count}${current ? '   shown now' : ''}`, 'quiet'),
    ];
    return top + offset === at ? select(line(span('▸ ', 'key'), ...cells)) : line(span('  '), ...cells);
  });
  const filter = filterLine(state.list, size.columns);
  const lines = composeFrame(
    size,
    [
      titleLine(world, [span('Services and application maps', 'strong')]),
      filter.line,
      line(span(`  ${padEnd('SERVICE', services + 3)}${padEnd('MAP', names + 3)}SERVERS`, 'quiet')),
    ],
    rows.length > 0 ? rows : [BLANK, ...emptyLines(state, world)],
    [BLANK, footer(state.list.typing === undefined ? 'maps' : 'field', size.columns)],
  );
  return filter.caret === undefined ? { lines } : { lines, cursor: { x: filter.caret, y: 1 } };
}

/** Why there is nothing to pick: without a map file it comes from the local engine, which may be away. */
function emptyLines(state: MapsState, world: World): Line[] {
  const { columns } = world.size;
  const say = (text: string, tone: Tone) =>
    wrapText(text, columns - 4).map((part) => line(span('  '), span(part, tone)));
  if (state.list.filter !== '') {
    return say('No service or application map matches. Esc drops the filter.', 'quiet');
  }
  return [
    ...say('There is no application map here. Write one with `towline map init`.', 'quiet'),
    ...Object.keys(world.fleet.agents).flatMap((agent) => {
      const loss = linkLoss(agent, world);
      return loss === undefined
        ? []
        : [BLANK, ...say(`✗ ${loss.sentence}`, 'bad'), ...say(loss.message, 'plain')];
    }),
  ];
}
