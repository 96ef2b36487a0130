/**
 * What every adapter of a port must do, as suites of tests: declare them inside a vitest file.
 */
export { type BlobStoreFixture, blobStoreContract } from './blob-store.ts';
export { clockContract } from './clock.ts';
export { consumptionContract } from './consumption.ts';
export { eventLogContract } from './event-log.ts';
export { type FixtureOptions, type MakeFixture, type PortsFixture, until } from './fixture.ts';
export { messengerContract } from './messenger.ts';
export { recordStoreContract } from './record-store.ts';
export { schedulesContract } from './schedules.ts';
export { turnRunnerContract } from './turn-runner.ts';
