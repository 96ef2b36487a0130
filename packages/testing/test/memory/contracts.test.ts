import {
  clockContract,
  consumptionContract,
  eventLogContract,
  messengerContract,
  recordStoreContract,
  schedulesContract,
  turnRunnerContract,
} from '@wakebus/testing/contracts';
import { memoryFixture } from './memory-fixture.ts';

for (const contract of [
  clockContract,
  consumptionContract,
  eventLogContract,
  messengerContract,
  recordStoreContract,
  schedulesContract,
  turnRunnerContract,
]) {
  contract('memory', memoryFixture);
}
