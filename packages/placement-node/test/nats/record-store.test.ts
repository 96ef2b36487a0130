import { recordStoreContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

recordStoreContract('NATS', natsFixtures());
