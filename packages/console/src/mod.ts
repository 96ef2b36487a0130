/**
 * The console of a deployment, as the files that a gateway serves. What runs in the browser is in `app/`, and knows
 * nothing but the gateway's API.
 */
export { type SiteFile, type SiteFiles, consoleFiles } from './console-files.ts';
