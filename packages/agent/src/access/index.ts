export { FailedTries, peerOf } from './failed-tries.ts';
export { bearerHash, endedToken, judgeToken } from './judge-token.ts';
export { type StoredToken, tokenState } from './token.ts';
export { addTokenCommands } from './token-command.ts';
export { createToken, readTokens, revokeToken, tokensDir } from './token-store.ts';
