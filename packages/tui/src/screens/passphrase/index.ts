export {
  openPassphrase,
  PASSPHRASE_TEXTS,
  type PassphraseState,
  pasteInPassphrase,
  pressInPassphrase,
  viewPassphrase,
} from './passphrase.ts';
