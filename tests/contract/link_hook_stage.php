<?php
// A stand-in for the few classes of EspoCRM that the link hook uses. Reads {"webhooks", "changes", "run", "broken"} as
// JSON, lets the hook and, where wanted, its jobs run, and prints {"jobs", "log"}.

namespace Espo\ORM {
    interface Entity {
        public function getEntityType(): string;
        public function getId(): string;
        public function get(string $name): mixed;
    }
    class EntityManager {
        public function __construct(private array $webhooks) {}
        public function getRDBRepository(string $type): object {
            return new \Stage\Repository($this->webhooks);
        }
    }
}

namespace Espo\ORM\Repository\Option {
    class RelateOptions {}
    class UnrelateOptions {}
}

namespace Espo\Core\Hook\Hook {
    use Espo\ORM\Entity;
    use Espo\ORM\Repository\Option\{RelateOptions, UnrelateOptions};
    interface AfterRelate {
        public function afterRelate(Entity $entity, string $relationName, Entity $relatedEntity, array $columnData, RelateOptions $options): void;
    }
    interface AfterUnrelate {
        public function afterUnrelate(Entity $entity, string $relationName, Entity $relatedEntity, UnrelateOptions $options): void;
    }
}

namespace Espo\Entities {
    class Webhook { public const ENTITY_TYPE = 'Webhook'; }
}

namespace Espo\Core\Utils {
    class Log {
        public array $lines = [];
        public function error(string $text): void { $this->lines[] = "error $text"; }
        public function warning(string $text): void { $this->lines[] = "warning $text"; }
    }
}

namespace Espo\Core\Job {
    interface Job { public function run(Job\Data $data): void; }
    class JobSchedulerFactory {
        public array $made = [];
        public bool $broken = false;
        public function create(): \Stage\Scheduler {
            if ($this->broken) { throw new \RuntimeException('no database'); }
            return new \Stage\Scheduler($this);
        }
    }
}

namespace Espo\Core\Job\Job {
    class Data {
        public function __construct(private object $data) {}
        public function get(string $name): mixed { return $this->data->$name ?? null; }
    }
}

namespace Stage {
    class Record implements \Espo\ORM\Entity {
        public function __construct(private string $type, private array $values) {}
        public function getEntityType(): string { return $this->type; }
        public function getId(): string { return $this->values['id']; }
        public function get(string $name): mixed { return $this->values[$name] ?? null; }
    }
    class Repository {
        public function __construct(private array $rows) {}
        public function where(array $clause): self {
            $like = '/^' . str_replace('%', '.*', preg_quote($clause['url*'], '/')) . '$/';
            $this->rows = array_filter($this->rows, fn ($row) => $row['isActive'] === $clause['isActive'] && preg_match($like, $row['url']));
            return $this;
        }
        public function order(string $by, string $direction): self {
            usort($this->rows, fn ($one, $other) => $other[$by] <=> $one[$by]);
            return $this;
        }
        public function findOne(): ?Record {
            return $this->rows === [] ? null : new Record('Webhook', array_values($this->rows)[0]);
        }
    }
    class Scheduler {
        private array $job = ['class' => null, 'group' => null, 'delay' => null, 'data' => null];
        public function __construct(private \Espo\Core\Job\JobSchedulerFactory $home) {}
        public function setClassName(string $class): self { $this->job['class'] = $class; return $this; }
        public function setGroup(string $group): self { $this->job['group'] = $group; return $this; }
        public function setDelay(\DateInterval $delay): self { $this->job['delay'] = 60 * ($delay->h * 60 + $delay->i); return $this; }
        public function setData(array $data): self { $this->job['data'] = json_decode(json_encode($data)); return $this; }
        public function schedule(): object { $this->home->made[] = $this->job; return (object) $this->job; }
    }
    $given = json_decode(stream_get_contents(STDIN), true);
    $home = dirname(__DIR__, 2) . '/deploy/espocrm/custom/Espo/Custom';
    require "$home/Jobs/SendVmhLink.php";
    require "$home/Hooks/Common/VmhLinks.php";
    $log = new \Espo\Core\Utils\Log();
    $jobs = new \Espo\Core\Job\JobSchedulerFactory();
    $jobs->broken = $given['broken'] ?? false;
    $hook = new \Espo\Custom\Hooks\Common\VmhLinks($jobs, $log);
    foreach ($given['changes'] as [$action, $left, $leftId, $link, $right, $rightId]) {
        $records = [new Record($left, ['id' => $leftId]), new Record($right, ['id' => $rightId])];
        if ($action === 'link') {
            $hook->afterRelate($records[0], $link, $records[1], [], new \Espo\ORM\Repository\Option\RelateOptions());
        } else {
            $hook->afterUnrelate($records[0], $link, $records[1], new \Espo\ORM\Repository\Option\UnrelateOptions());
        }
    }
    for ($round = 0; $round < ($given['run'] ?? 0); $round++) {
        [$due, $jobs->made] = [$jobs->made, []];
        foreach ($due as $job) {
            $run = new $job['class'](new \Espo\ORM\EntityManager($given['webhooks']), $jobs, $log);
            $run->run(new \Espo\Core\Job\Job\Data($job['data']));
        }
    }
    echo json_encode(['jobs' => $jobs->made, 'log' => $log->lines]);
}
