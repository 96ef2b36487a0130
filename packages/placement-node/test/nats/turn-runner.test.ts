import { turnRunnerContract } from '@wakebus/testing/contracts';
import { natsFixtures } from './nats-fixture.ts';

turnRunnerContract('threads', natsFixtures());
