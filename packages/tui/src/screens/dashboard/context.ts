import type { Context } from '../../keys/index.ts';
import { buildLogContext } from '../build-log/index.ts';
import { editBuildContext } from '../edit-build/index.ts';
import type { Model } from './model.ts';

/** Where the next key is pressed. */
export function contextOf(model: Model): Context {
  const top = model.over.at(-1);
  if (top === undefined) return model.pipeline.editing === undefined ? 'pipeline' : 'field';
  switch (top.type) {
    case 'maps':
    case 'versions':
    case 'images':
    case 'jobs':
      return top.state.list.typing === undefined ? top.type : 'field';
    case 'logs':
      return top.state.search.typing === undefined ? top.type : 'field';
    case 'build-log':
      return buildLogContext(top.state);
    case 'passphrase':
      return 'field';
    case 'edit-build':
      return editBuildContext(top.state);
    default:
      return top.type;
  }
}
