import { pasteInBuildLog } from '../build-log/index.ts';
import { pasteInEditBuild } from '../edit-build/index.ts';
import { pasteInList } from '../list-state.ts';
import { pasteInSearch } from '../log-view/index.ts';
import { pasteInPassphrase } from '../passphrase/index.ts';
import { reducePipeline, tableHeight } from '../pipeline/index.ts';
import type { World } from '../world.ts';
import { contextOf } from './context.ts';
import type { Model, Over } from './model.ts';
import { notify } from './notice.ts';

/** A paste is text for what is being typed in, and nothing anywhere else: it never presses a key. */
export function paste(model: Model, text: string, world: World): Model {
  const context = contextOf(model);
  if (context !== 'field' && context !== 'text') {
    const hint =
      context === 'pipeline'
        ? 'What was pasted went nowhere. Press t on a container first, then paste its tag.'
        : 'What was pasted went nowhere: nothing is being typed here.';
    return notify(model, 'plain', hint, world);
  }
  const action = { type: 'insert', text } as const;
  const top = model.over.at(-1);
  if (top === undefined) {
    const room = { pipeline: world.pipeline, height: tableHeight(world.size) };
    return { ...model, pipeline: reducePipeline(model.pipeline, { type: 'type', action }, room) };
  }
  return { ...model, over: [...model.over.slice(0, -1), pasteInOver(top, text)] };
}

function pasteInOver(over: Over, text: string): Over {
  switch (over.type) {
    case 'maps':
      return { ...over, state: { ...over.state, list: pasteInList(over.state.list, text) } };
    case 'versions':
      return { ...over, state: { ...over.state, list: pasteInList(over.state.list, text) } };
    case 'images':
      return { ...over, state: { ...over.state, list: pasteInList(over.state.list, text) } };
    case 'jobs':
      return { ...over, state: { ...over.state, list: pasteInList(over.state.list, text) } };
    case 'logs':
      return { ...over, state: { ...over.state, search: pasteInSearch(over.state.search, text) } };
    case 'build-log':
      return { ...over, state: pasteInBuildLog(over.state, text) };
    case 'edit-build':
      return { ...over, state: pasteInEditBuild(over.state, text) };
    case 'passphrase':
      return { ...over, state: pasteInPassphrase(over.state, text) };
    default:
      return over;
  }
}
