import { type Line, type Span, span, spread, truncatePath } from '../components/index.ts';
import { viewerMark } from './read-only.ts';
import type { World } from './world.ts';

/** The first row of every screen: where one is, and at the right where the map comes from. */
export function titleLine(world: World, where: readonly Span[]): Line {
  const { columns } = world.size;
  const mark = world.readOnly ? 'read-only' : viewerMark(world);
  const origin = truncatePath(world.origin, Math.floor(columns / 3));
  return spread(
    [span(' Towline', 'title'), ...(where.length > 0 ? [span('  '), ...where] : [])],
    [
      ...(mark === undefined ? [] : [span(mark, 'armed'), span('  ')]),
      ...(world.fleet.mapChanged ? [span('changed since it was read:', 'armed'), span(' ')] : []),
      span(`${origin} `, 'quiet'),
    ],
    columns,
  );
}
