//! Russian.

use bootwatch_rules::{
    Height,
    situation::{AdviceReason, DeadlineName, Degree},
};
use bootwatch_schema::Severity;

use super::{Check, Deed, Heading, Left, Name, Phrase, Risk, Stored, Tag, Verb};
use crate::{daily::Unwell, message::words::grouped};

pub(super) fn say(phrase: Phrase<'_>) -> String {
    use Phrase as P;
    match phrase {
        P::Tag(tag) => match tag {
            Tag::Severity(Severity::Info) => "ИНФО",
            Tag::Severity(Severity::Warning) => "ВНИМАНИЕ",
            Tag::Severity(Severity::Critical) => "СРОЧНО",
            Tag::Done => "ГОТОВО",
            Tag::Test => "ПРОВЕРКА",
        }
        .into(),
        P::Heading(heading) => match heading {
            Heading::ByWhen => "До какого времени",
            Heading::Cost => "Чего это стоит",
            Heading::ToDo => "Что сделать",
            Heading::Numbers => "Цифры",
            Heading::Links => "Ссылки",
        }
        .into(),
        P::Left(left) => match left {
            Left::Soon => "осталось меньше минуты".into(),
            Left::Minutes(minutes) => format!("осталось {minutes} мин"),
            Left::HoursMinutes(hours, minutes) => format!("осталось {hours} ч {minutes} мин"),
            Left::Hours(hours) => format!("осталось {hours} ч"),
            Left::Days(days) => format!("осталось {days} дн."),
            Left::DaysHours(days, hours) => format!("осталось {days} дн. {hours} ч"),
            Left::Blocks(blocks) => {
                let left = plural(blocks, "остался", "осталось", "осталось");
                format!("{left} {}", in_blocks(blocks))
            }
        },
        P::Time(time, zone) => {
            let day = DAYS[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs()) % 7];
            let month = MONTHS[usize::from(time.month().unsigned_abs().saturating_sub(1)) % 12];
            format!("{day} {} {month} {} {zone}", time.day(), time.strftime("%Y %H:%M"))
        }
        P::GiveOrTakeSeconds(seconds) if seconds < 90.0 => format!("± {seconds:.0} с"),
        P::GiveOrTakeSeconds(seconds) => format!("± {:.0} мин", seconds / 60.0),
        P::LastBlock { height, blocks, from } => {
            format!(
                "последний блок, который засчитывается: {height} (через {} от {from})",
                in_blocks(blocks)
            )
        }
        P::NotShown => "не показана: в команде есть скрытые символы; см. `bootwatch status`".into(),
        P::Page => "Страница".into(),
        P::Basis { chain, complete_to, time, rules } => format!(
            "Bootwatch, сеть {chain}. Данные полны до блока {complete_to} ({time}). Правила {rules}."
        ),
        P::Sender => "Bootwatch".into(),
        P::Deadline(name) => deadline(name).into(),
        P::Stored(stored) => noun(stored).into(),
        P::StoredSince { stored, block } => format!("{stored}, с блока {block}"),
        P::DelegatedTo { address } => format!("делегирование на {address}"),
        P::Name(name) => match name {
            Name::Host => "Хост",
            Name::Model => "Модель",
            Name::StoredChoice => "Сохранённый выбор",
            Name::Weight => "Вес",
            Name::NetworkWeight => "Вес сети",
            Name::Channel => "Канал",
            Name::Answer => "Его ответ",
            Name::Block => "Блок",
            Name::Fraction => "Доля",
            Name::Nonces => "Нонсы в коммите",
            Name::DelegateWeight => "Вес делегата",
            Name::DelegatePower => "Голоса делегата",
            Name::Delegators => "Делегирующих",
            Name::DelegateNonces => "Нонсы делегата",
            Name::SoundDelegates => "Ничего не говорит против",
            Name::FewestHosts => "Хватило бы хостов",
            Name::NewestCapture => "Последний снимок модели",
            Name::FiringSince => "Длится с",
            Name::Fired => "Длилось",
            Name::HeldBack => "Придержано за это время",
            Name::Waiting => "Ждут отправки",
            Name::RefusedToday => "Отклонено за 24 ч",
            Name::Title => "Название",
            Name::VoteEnds => "Конец голосования",
            Name::MoreValues => "Ещё значений",
            Name::Adds => "Добавляет",
            Name::Removes => "Убирает",
            Name::Message => "Сообщение",
            Name::Upgrade => "Обновление",
            Name::UpgradeBlock => "Его блок",
            Name::Expected => "Ожидается",
            Name::ComesBefore => "Наступит перед",
            Name::LastTakenIn => "Последний принятый блок",
            Name::TakenInAt => "Принят",
            Name::NewestToldOf => "Последний известный блок",
            Name::Database => "База данных",
        }
        .into(),
        P::GapName(check, degree) => {
            let check = match check {
                Check::Hosts => "Хосты с намерением",
                Check::Weight => "Вес намерений",
                Check::Reach => "Охват",
            };
            let degree = match degree {
                Degree::Projected => "сейчас",
                Degree::Snapshot => "на момент снимка",
                Degree::Final => "итог",
            };
            format!("{check}, {degree}")
        }
        P::GapEnough { have, need } => format!("{have} из {need}, достаточно"),
        P::GapMissing { have, need, missing } => {
            format!("{have} из {need}, не хватает {missing}")
        }
        P::GapHopeless { have } => format!("{have}, и никакого количества не хватит"),
        P::Missing(check, amount) => match (check, amount) {
            (Check::Hosts, Some(amount)) => {
                format!("{} {}", grouped(amount), plural(amount, "хоста", "хостов", "хостов"))
            }
            (Check::Hosts, None) => "хостов".into(),
            (Check::Weight, Some(amount)) => format!("{} веса", grouped(amount)),
            (Check::Weight, None) => "веса".into(),
            (Check::Reach, Some(amount)) => format!("{} охвата", grouped(amount)),
            (Check::Reach, None) => "охвата".into(),
        },
        P::Short { missing } => format!("не хватает {missing}"),
        P::And { first, last } => format!("{first} и {last}"),
        P::CoefficientNotPositive => "её коэффициент не положителен".into(),
        P::Does { verb, english } => match verb {
            Some(Verb::Choose(Stored::Delegation)) => {
                format!("делегировать хосту, который обслуживает модель ({english})")
            }
            Some(Verb::Choose(Stored::Refusal)) => format!("отказаться ({english})"),
            Some(Verb::Choose(Stored::Intent)) => {
                format!("объявить намерение и обслуживать модель ({english})")
            }
            Some(Verb::Explain) => "посмотреть, как оно получилось".into(),
            Some(Verb::Export) => "сохранить доказательства".into(),
            Some(Verb::ReadProposal) => "прочитать предложение".into(),
            Some(Verb::Vote) => "проголосовать".into(),
            Some(Verb::Choose(Stored::Nothing | Stored::Unknown)) | None => english.into(),
        },
        P::Why { stored, charge, english } => format!(
            "Для этой модели сохранено: {}. Если ничего не изменить, это будет стоить до {charge}. \
             Подробно: {english}",
            noun(stored)
        ),
        P::CostUpTo { charge, epoch } => {
            format!("До {charge} в эпохе {epoch}, если ничего не изменится.")
        }
        P::CostEach { list } => format!("От награды, если ничего не изменится: {list}."),
        P::CoinsAtStake { most, of } => {
            format!("Это около {most}, если эпоха даст до списаний {of}, как текущая.")
        }
        P::WeightAtStake { most, of } => format!("Это {most} из нынешнего веса {of}."),
        P::Bundle { count, named, more: 0 } => format!("уведомлений {count}: {named}"),
        P::Bundle { count, named, more } => format!("уведомлений {count}: {named}; и ещё {more}"),
        P::BundleWhat { count } => format!("Изменений: {count}. Самые срочные — первыми."),
        P::Reminder { since, times } => format!("{since}, напоминание {times}"),
        P::FromTo { from, to } => format!("{from} – {to}"),
        P::Over { what } => format!("прошло: {what}"),
        P::OverWhat { what } => format!("Больше не действует: {what}."),
        P::TooLate { what } => format!("поздно: {what}"),
        P::TooLateWhat { what } => format!("Вовремя не улажено: {what}."),
        P::Need { reason, model } => need(reason, model),
        P::Settled { model, stored } => format!("улажено для {model} ({})", noun(stored)),
        P::SettledWhat { model, deadline, epoch, stored } => format!(
            "Для {model} больше ничего делать не нужно. Срок: {deadline}, эпоха {epoch}. Сохранено \
             сейчас: {}.",
            noun(stored)
        ),
        P::Missed { model, deadline } => format!("срок пропущен для {model} ({deadline})"),
        P::MissedWhat { model, deadline, epoch, block, stored } => format!(
            "Блок {block} прошёл ({deadline}, эпоха {epoch}), и ничего, что помогло бы, для {model} \
             включено не было. Сохранено было: {}. Всё, что отправлено после, для этой эпохи не \
             засчитывается.",
            noun(stored)
        ),
        P::NotSeen { model, deadline } => {
            format!("срок прошёл для {model} ({deadline}), исход не виден")
        }
        P::NotSeenWhat { model, deadline, epoch, block, stored } => format!(
            "Блок {block} ({deadline}, эпоха {epoch}) прошёл, когда у Bootwatch не было свежих \
             данных, поэтому неизвестно, был ли выбор для {model} сделан вовремя. Сохранено сейчас: \
             {}.",
            noun(stored)
        ),
        P::NothingToDecide { model } => format!("для {model} решать больше нечего"),
        P::NothingToDecideWhat { model } => {
            format!("{model} больше не входит в модели этого хоста.")
        }
        P::NothingHelpsWhat { model, deadline, epoch, stored } => format!(
            "Ничто из того, что этот хост может выбрать для {model} до срока «{deadline}» эпохи \
             {epoch}, больше не меняет того, что с него спишут. Сохранено сейчас: {}.",
            noun(stored)
        ),
        P::PreEligible { model } => format!("{model}: предварительно допущена"),
        P::MissedCapture { model, short } => format!("{model}: снимок не пройден, {short}"),
        P::PreEligibleWhat { model, epoch, block } => format!(
            "Снимок{} сделан на блоке {block}: {model} предварительно допущена. От хостов с \
             намерением ждут коммитов со следующего старта PoC. {ADVISORY}",
            of_epoch(epoch)
        ),
        P::MissedCaptureWhat { model, epoch, block, short } => format!(
            "Снимок{} сделан на блоке {block}: {model} не допущена, {short}. {ADVISORY}",
            of_epoch(epoch)
        ),
        P::NoCapture { model, block } => format!("нет снимка {model} на блоке {block}"),
        P::NoCaptureWhat { model, epoch, block } => format!(
            "Блок {block}, снимок эпохи {epoch}, прошёл, и ни одно событие в нём не называет \
             {model}. Снимок не удался, или сеть сделала его на другой высоте. Тогда для этой эпохи \
             действует более старый снимок или никакой."
        ),
        P::NoneKnown => "неизвестен".into(),
        P::SecondCapture { model } => format!("второй снимок {model} за одну эпоху"),
        P::SecondCaptureWhat { model, first, block } => format!(
            "Снимок {model} сделан на блоке {first} и ещё раз на блоке {block}. Засчитывается \
             последний."
        ),
        P::MovedCapture { model } => format!("снимок {model} сделан на другой высоте"),
        P::MovedCaptureWhat { model, block } => format!(
            "Снимок {model} сделан на блоке {block}, где по известным параметрам его не должно было \
             быть. Выбор, отправленный к ожидаемой высоте, мог опоздать."
        ),
        P::WouldMiss { model, epoch } => format!("{model}: снимок эпохи {epoch} не был бы пройден"),
        P::WouldMissWhat { model, epoch, missing } => format!(
            "Будь снимок эпохи {epoch} сейчас, {model} не была бы допущена: {missing}. Это прогноз \
             по нынешним выборам и весам."
        ),
        P::Uncertain => "Он ненадёжен: при последнем снимке сеть насчитала другой общий вес, чем \
                         Bootwatch."
            .into(),
        P::SuchAs { count, hosts } => format!("{count}, например {hosts}"),
        P::NoneWould => "никаких не хватит".into(),
        P::CostsFrom { model, epoch } => format!("{model}: списания начинаются с эпохи {epoch}"),
        P::CostsFromWhat { model, epoch, running } => format!(
            "С эпохи {epoch} за {model} списывается с хоста, у которого нет принятой работы, \
             делегирования или отказа. Идёт эпоха {running}. Что засчитается для эпохи {epoch}, \
             решается до неё: для кандидата — на снимке, для активной модели — в начале валидации."
        ),
        P::FellOut { model } => format!("{model} выпала"),
        P::FellOutWhat { model, before, since } => format!(
            "У {model} была группа в эпохе {before}, а с эпохи {since} её нет: принято слишком мало \
             работы. Модель снова кандидат: намерения и делегирования засчитываются на снимке, \
             отказы там не читаются, а делегирование хосту без намерения ничего не даёт."
        ),
        P::NoCommitWhat { model } => format!(
            "PoC начался, а коммит этого хоста для {model} не включён ни в один блок. Без него за \
             модель ничего не начислят, а намерение без работы стоит столько же, сколько отсутствие \
             выбора. Проверьте ML-ноды и то, что аккаунт, который коммитит, может платить комиссию."
        ),
        P::NoDistribution { model } => format!("нет распределения веса для {model}"),
        P::NoDistributionWhat { model } => format!(
            "Этот хост закоммитил работу для {model} и не отправил распределение веса. Без него сеть \
             ничего из коммита не засчитывает. Посмотрите журнал контейнера API."
        ),
        P::Excluded => "исключён из текущей эпохи".into(),
        P::ExcludedWhat { epoch, block, reason } => format!(
            "Сеть исключила этот хост из эпохи {epoch} на блоке {block}, причина: \"{reason}\". До \
             следующей эпохи у него нет веса, его выбор не читается на снимке, а с делегировавших \
             ему спишут так, словно они ничего не выбрали."
        ),
        P::Risk(risk) => match risk {
            Risk::Excluded => "исключён",
            Risk::Guardian => "страж сети, который должен оставаться независимым от делегирования",
            Risk::Delegates => "сам делегирует эту модель",
            Risk::Refuses => "сам отказался от этой модели",
            Risk::NotCommitted => "не закоммитил в текущем PoC",
            Risk::NotDistributed => {
                "не отправил распределение веса, без которого коммит не засчитывается"
            }
            Risk::Capped => "потерял бы голоса из-за предела",
            Risk::Concentrated => "держит большую долю голосов группы",
        }
        .into(),
        P::DelegateOf { model, risk } => format!("делегат для {model}: {risk}"),
        P::DelegateOfWhat { host, model, delegate, risk } => format!(
            "{host} делегирует {model} хосту {delegate}. О нём известно: {risk}. Если делегат не \
             будет принят к концу валидации, делегирование считается отсутствием выбора."
        ),
        P::NoLiveMember => "не действующий участник".into(),
        P::Charged { epoch, share, of_weight } => {
            format!("эпоха {epoch} забирает {share} {}", whole(of_weight))
        }
        P::ChargedCost { epoch, share, of_weight } => {
            format!("{share} {} эпохи {epoch}.", whole(of_weight))
        }
        P::ChargedWhat { epoch } => format!(
            "Сеть закрепила это списание, когда формировалась эпоха {epoch}. Это окончательно."
        ),
        P::About { amount } => format!("Это около {amount}."),
        P::Would { proposal, deed, more: 0 } => {
            format!("предложение {proposal}: {}", would(deed))
        }
        P::Would { proposal, deed, more } => {
            format!("предложение {proposal}: {} и ещё {more}", would(deed))
        }
        P::VoteWhat { proposal, expedited } => format!(
            "Идёт голосование по предложению {proposal}. То, что оно меняет, сравнено с параметрами, \
             которые действуют сейчас; если его примут, оно действует с того блока, в котором \
             голосование закончится.{}",
            if expedited {
                " Оно ускоренное: если так его не примут, голосование продолжится как обычное."
            } else {
                ""
            }
        ),
        P::VoteOver { proposal } => format!("голосование по предложению {proposal} закончено"),
        P::VoteOverWhat { changed: Some(block) } => format!(
            "Голосование закончено. Параметры изменились с блоком {block}: их перечисляет \
             ParamsChanged."
        ),
        P::VoteOverWhat { changed: None } => {
            "Голосование закончено. Ни один параметр, который здесь читается, с его начала не \
             изменился."
                .into()
        }
        P::VoteMoot { proposal } => format!("предложение {proposal} больше ничего не меняет"),
        P::VoteMootWhat => "То, что оно меняет, уже так или больше невозможно.".into(),
        P::UpgradeAt { upgrade, block } => format!("обновление {upgrade} на блоке {block}"),
        P::UpgradeWhat { block } => format!(
            "С блока {block} старая программа блоков не делает: сеть будет стоять, пока новую не \
             запустит достаточно хостов, и все сроки после него сдвинутся на столько же. Заранее \
             подготовьте новые версии ноды и API, а после проверьте, что обе работают."
        ),
        P::UpgradeDisturbs { blocks, deadline } => format!(
            "Оно наступит за {} до срока «{deadline}»: выбор и работа для него могут после \
             обновления не успеть. Отправьте выбор до обновления.",
            in_blocks(blocks)
        ),
        P::BlocksAhead { block, blocks } => format!("{block}, через {}", in_blocks(blocks)),
        P::DeadlineAfter { deadline, epoch, block, blocks } => {
            format!("{deadline}, эпоха {epoch}, блок {block}, через {}", in_blocks(blocks))
        }
        P::UpgradeThere { upgrade, block } => {
            format!("обновление {upgrade}: блок {block} наступил")
        }
        P::UpgradeThereWhat { upgrade, block } => {
            format!(
                "Сеть прошла блок {block}. Проверьте, что ваши нода и API работают на {upgrade}."
            )
        }
        P::UpgradeOff { upgrade, block } => {
            format!("обновление {upgrade} на блоке {block} отменено")
        }
        P::UpgradeOffWhat => {
            "Оно больше не запланировано: его отозвали, или его место заняло другое.".into()
        }
        P::Stalled { behind } => {
            let blocks = plural(behind, "блок", "блока", "блоков");
            format!("блоки не принимаются, отставание {} {blocks}", grouped(behind))
        }
        P::StalledOver => "блоки не принимаются".into(),
        P::StalledWhat => {
            "Сеть идёт дальше, но Bootwatch не принимает блоков. То, что он показывает, — прошлое, и \
             сроки могут пройти незамеченными. Посмотрите его журнал, диск и ноды."
                .into()
        }
        P::Refused { channel, recipient } => {
            format!("сообщения через {channel} для {recipient} отклоняются")
        }
        P::RefusedWhat { channel, recipient } => format!(
            "Сообщение через {channel} для {recipient} отклонено окончательно и больше не \
             отправляется. Пока это не исправлено, важное может туда не дойти."
        ),
        P::NotGettingThrough { channel } => format!("сообщения через {channel} не проходят"),
        P::NotGettingThroughWhat { waiting, since } => format!(
            "Сообщений ждёт: {waiting}, самое старое с {since}. Попытки продолжаются, не дольше пяти \
             дней; до тех пор этим путём никого не предупредить. `bootwatch notify test` покажет, \
             что отвечает другая сторона."
        ),
        P::AllWell => "всё в порядке".into(),
        P::AllWellWhat { block } => format!(
            "Блоки приняты до {block}, условия проверяются, сообщения проходят. Тревог нет."
        ),
        P::StillFiring { count } => format!("тревог сейчас: {count}"),
        P::StillFiringWhat { block } => format!(
            "Блоки приняты до {block}, условия проверяются, сообщения проходят. Тревоги перечислены \
             ниже."
        ),
        P::Unwell(unwell) => match unwell {
            Unwell::NoBlock => "ещё не принят ни один блок",
            Unwell::NotJudged => "условия больше не проверяются",
            Unwell::Stale => "данные устарели",
            Unwell::NotDelivered => "сообщения не проходят",
            Unwell::NotWritten => "база данных не записывается",
        }
        .into(),
        P::NotWell { why } => format!("Bootwatch не в порядке: {why}"),
        P::NotWellWhat { why, block } => format!(
            "{why}; последний блок {block}. Пока это не исправлено, важное может прийти поздно или \
             не прийти вовсе."
        ),
        P::TestHeadline => "этот канал работает".into(),
        P::TestWhat { channel } => format!(
            "Это проверка канала {channel} командой `bootwatch notify test`. Ничего не случилось, и \
             делать ничего не нужно."
        ),
    }
}

const ADVISORY: &str = "Это предварительно: модель, не прошедшая снимок, всё же может \
                        активироваться, а прошедшая — нет. Решает, кто принят к концу валидации.";

const DAYS: [&str; 7] = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"];
const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// `1 блок`, `1,340 блоков`; the same after «через» and «за».
fn in_blocks(blocks: Height) -> String {
    format!("{} {}", grouped(blocks), plural(blocks, "блок", "блока", "блоков"))
}

fn would(deed: Deed<'_>) -> String {
    match deed {
        Deed::Change { name, before, after } => format!("{name} с {before} на {after}"),
        Deed::Add { model } => format!("добавить {model}"),
        Deed::Remove { model } => format!("убрать {model}"),
        Deed::Schedule { upgrade, block } => {
            format!("назначить обновление {upgrade} на блок {block}")
        }
        Deed::CancelUpgrade => "отменить назначенное обновление".into(),
    }
}

fn of_epoch(epoch: Option<u64>) -> String {
    epoch.map_or_else(String::new, |epoch| format!(" для эпохи {epoch}"))
}

fn whole(of_weight: bool) -> &'static str {
    if of_weight { "веса" } else { "награды" }
}

fn need(reason: AdviceReason, model: &str) -> String {
    match reason {
        AdviceReason::NoChoice => format!("нет выбора для {model}"),
        AdviceReason::RefusalExpired => format!("отказ от {model} истёк"),
        AdviceReason::IntentExpired => format!("намерение для {model} истекло"),
        AdviceReason::RefusalOnCandidate => format!("отказ от {model} не защищает"),
        AdviceReason::IntentOnActive => format!("намерение для {model} не действует"),
        AdviceReason::DelegateDoesNotServe => format!("делегат не обслуживает {model}"),
        AdviceReason::DelegateWithoutIntent => format!("у делегата нет намерения для {model}"),
        AdviceReason::TooLate => format!("выбор для {model} опоздал"),
        AdviceReason::IntentNotServed => format!("нет коммита для {model}"),
    }
}

fn deadline(name: DeadlineName) -> &'static str {
    match name {
        DeadlineName::Capture => "снимок",
        DeadlineName::PocStart => "старт PoC",
        DeadlineName::CommitDeadline => "срок коммита",
        DeadlineName::ValidationStart => "начало валидации",
        DeadlineName::ValidationEnd => "конец валидации",
    }
}

fn noun(stored: Stored) -> &'static str {
    match stored {
        Stored::Delegation => "делегирование",
        Stored::Refusal => "отказ",
        Stored::Intent => "намерение",
        Stored::Nothing => "ничего",
        Stored::Unknown => "неизвестно",
    }
}

/// The form of a noun after a number: 1 блок, 2 блока, 5 блоков, 11 блоков, 21 блок.
fn plural<'w>(number: i64, one: &'w str, few: &'w str, many: &'w str) -> &'w str {
    let number = number.unsigned_abs();
    match (number % 10, number % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::plural;

    // Fails when 11 is taken for 1, or 112 for 2.
    #[test]
    fn numbers_choose_the_form() {
        let form = |number| plural(number, "1", "2", "5");
        for (number, expected) in
            [(1, "1"), (21, "1"), (2, "2"), (34, "2"), (5, "5"), (11, "5"), (112, "5"), (0, "5")]
        {
            assert_eq!(form(number), expected, "{number}");
        }
    }
}
