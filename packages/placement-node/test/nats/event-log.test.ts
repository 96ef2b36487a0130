import { eventLogContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

eventLogContract('NATS', natsFixtures());
