import { engineSupport } from './engine-support.ts';
import { sweep } from './sandbox.ts';

// Removes what killed test runs left, for the end of the next.
if ((await engineSupport()).ok) {
  for (const dir of await sweep()) console.log(`removed what a killed run left in ${dir}`);
}
