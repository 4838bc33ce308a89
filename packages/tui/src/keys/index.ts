export { type InkKey, type Key, keyName, keysOf, NAMED_KEYS, typedText } from './key.ts';
export {
  type Binding,
  bindingsIn,
  CONTEXTS,
  type Command,
  type Context,
  commandFor,
  KEY_TABLE,
} from './key-table.ts';
