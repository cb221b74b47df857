//! Chinese, simplified.

use bootwatch_rules::situation::{AdviceReason, DeadlineName, Degree};
use bootwatch_schema::Severity;

use super::{Check, Deed, Heading, Left, Name, Phrase, Risk, Stored, Tag, Verb};
use crate::{daily::Unwell, message::words::grouped};

pub(super) fn say(phrase: Phrase<'_>) -> String {
    use Phrase as P;
    match phrase {
        P::Tag(tag) => match tag {
            Tag::Severity(Severity::Info) => "通知",
            Tag::Severity(Severity::Warning) => "警告",
            Tag::Severity(Severity::Critical) => "紧急",
            Tag::Done => "已完成",
            Tag::Test => "测试",
        }
        .into(),
        P::Heading(heading) => match heading {
            Heading::ByWhen => "截止时间",
            Heading::Cost => "代价",
            Heading::ToDo => "需要做什么",
            Heading::Numbers => "数据",
            Heading::Links => "链接",
        }
        .into(),
        P::Left(left) => match left {
            Left::Soon => "剩余不到 1 分钟".into(),
            Left::Minutes(minutes) => format!("剩余 {minutes} 分钟"),
            Left::HoursMinutes(hours, minutes) => format!("剩余 {hours} 小时 {minutes} 分钟"),
            Left::Hours(hours) => format!("剩余 {hours} 小时"),
            Left::Days(days) => format!("剩余 {days} 天"),
            Left::DaysHours(days, hours) => format!("剩余 {days} 天 {hours} 小时"),
            Left::Blocks(blocks) => format!("剩余 {} 个区块", grouped(blocks)),
        },
        P::Time(time, zone) => {
            let day = DAYS[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs()) % 7];
            let (year, month) = (time.year(), time.month());
            format!("{year}年{month}月{}日 {day} {} {zone}", time.day(), time.strftime("%H:%M"))
        }
        P::GiveOrTakeSeconds(seconds) if seconds < 90.0 => format!("± {seconds:.0} 秒"),
        P::GiveOrTakeSeconds(seconds) => format!("± {:.0} 分钟", seconds / 60.0),
        P::LastBlock { height, blocks, from } => {
            format!("最后有效区块：{height}（距 {from} 还有 {} 个区块）", grouped(blocks))
        }
        P::NotShown => "未显示：该命令含有隐藏字符；请查看 `bootwatch status`".into(),
        P::Page => "状态页".into(),
        P::Basis { chain, complete_to, time, rules } => {
            format!("Bootwatch，{chain}。数据完整至区块 {complete_to}（{time}）。规则 {rules}。")
        }
        P::Sender => "Bootwatch".into(),
        P::Deadline(name) => deadline(name).into(),
        P::Stored(stored) => noun(stored).into(),
        P::StoredSince { stored, block } => format!("{stored}，自区块 {block} 起"),
        P::DelegatedTo { address } => format!("委托给 {address}"),
        P::Name(name) => match name {
            Name::Host => "主机",
            Name::Model => "模型",
            Name::StoredChoice => "已存的选择",
            Name::Weight => "权重",
            Name::NetworkWeight => "全网权重",
            Name::Channel => "渠道",
            Name::Answer => "对方的答复",
            Name::Block => "区块",
            Name::Fraction => "比例",
            Name::Nonces => "已提交的 nonce",
            Name::DelegateWeight => "受托主机的权重",
            Name::DelegatePower => "受托主机的投票权",
            Name::Delegators => "委托方数量",
            Name::DelegateNonces => "受托主机的 nonce",
            Name::SoundDelegates => "未见问题的主机",
            Name::FewestHosts => "补足所需的最少主机",
            Name::NewestCapture => "该模型最近的快照",
            Name::FiringSince => "持续自",
            Name::Fired => "持续时间",
            Name::HeldBack => "期间未单独通知",
            Name::Waiting => "等待发送",
            Name::RefusedToday => "24 小时内被拒收",
            Name::Title => "标题",
            Name::VoteEnds => "投票截止",
            Name::MoreValues => "其余数值",
            Name::Adds => "新增",
            Name::Removes => "移除",
            Name::Message => "消息",
            Name::Upgrade => "升级",
            Name::UpgradeBlock => "升级区块",
            Name::Expected => "预计时间",
            Name::ComesBefore => "早于",
            Name::LastTakenIn => "最后接收的区块",
            Name::TakenInAt => "接收时间",
            Name::NewestToldOf => "已知最新区块",
            Name::Database => "数据库",
        }
        .into(),
        P::GapName(check, degree) => {
            let check = match check {
                Check::Hosts => "声明意向的主机",
                Check::Weight => "意向权重",
                Check::Reach => "可达投票权",
            };
            let degree = match degree {
                Degree::Projected => "当前",
                Degree::Snapshot => "快照时",
                Degree::Final => "最终",
            };
            format!("{check}（{degree}）")
        }
        P::GapEnough { have, need } => format!("{have} / {need}，足够"),
        P::GapMissing { have, need, missing } => format!("{have} / {need}，还差 {missing}"),
        P::GapHopeless { have } => format!("{have}，再多也不够"),
        P::Missing(check, amount) => {
            let amount = amount.map(|amount| format!(" {} ", grouped(amount)));
            let amount = amount.as_deref().unwrap_or_default();
            match check {
                Check::Hosts => format!("{amount}台主机"),
                Check::Weight => format!("{amount}权重"),
                Check::Reach => format!("{amount}可达投票权"),
            }
            .trim_start()
            .into()
        }
        P::Short { missing } => format!("还差 {missing}"),
        P::And { first, last } => format!("{first}和 {last}"),
        P::CoefficientNotPositive => "其系数不为正".into(),
        P::Does { verb, english } => match verb {
            Some(Verb::Choose(Stored::Delegation)) => {
                format!("委托给运行该模型的主机（{english}）")
            }
            Some(Verb::Choose(Stored::Refusal)) => format!("拒绝（{english}）"),
            Some(Verb::Choose(Stored::Intent)) => format!("声明意向并运行该模型（{english}）"),
            Some(Verb::Explain) => "查看其由来".into(),
            Some(Verb::Export) => "保存证据".into(),
            Some(Verb::ReadProposal) => "查看提案".into(),
            Some(Verb::Vote) => "投票".into(),
            Some(Verb::Choose(Stored::Nothing | Stored::Unknown)) | None => english.into(),
        },
        P::Why { stored, charge, english } => format!(
            "该模型当前已存的选择：{}。若不改变，最多损失 {charge}。详情：{english}",
            noun(stored)
        ),
        P::CostUpTo { charge, epoch } => format!("若不改变，第 {epoch} 纪元最多损失 {charge}。"),
        P::CostEach { list } => format!("若不改变，奖励损失：{list}。"),
        P::CoinsAtStake { most, of } => {
            format!("约合 {most}（按本纪元扣除前的奖励 {of} 估算）。")
        }
        P::WeightAtStake { most, of } => format!("即当前权重 {of} 中的 {most}。"),
        P::Bundle { count, named, more: 0 } => format!("{count} 条通知：{named}"),
        P::Bundle { count, named, more } => format!("{count} 条通知：{named}；另有 {more} 条"),
        P::BundleWhat { count } => format!("共有 {count} 项变化，最紧急的在前。"),
        P::Reminder { since, times } => format!("{since}，第 {times} 次提醒"),
        P::FromTo { from, to } => format!("{from} – {to}"),
        P::Over { what } => format!("已结束：{what}"),
        P::OverWhat { what } => format!("以下情况已不再存在：{what}。"),
        P::TooLate { what } => format!("为时已晚：{what}"),
        P::TooLateWhat { what } => format!("未能及时解决：{what}。"),
        P::Need { reason, model } => need(reason, model),
        P::Settled { model, stored } => format!("{model} 已处理（{}）", noun(stored)),
        P::SettledWhat { model, deadline, epoch, stored } => format!(
            "在第 {epoch} 纪元的{deadline}之前，{model} 无需再做任何事。当前已存：{}。",
            noun(stored)
        ),
        P::Missed { model, deadline } => format!("{model} 错过了{deadline}"),
        P::MissedWhat { model, deadline, epoch, block, stored } => format!(
            "区块 {block}（第 {epoch} 纪元的{deadline}）已过，{model} 没有任何有效的选择被收录。\
             当时已存：{}。此后发送的选择对该纪元无效。",
            noun(stored)
        ),
        P::NotSeen { model, deadline } => format!("{model} 的{deadline}已过，结果未知"),
        P::NotSeenWhat { model, deadline, epoch, block, stored } => format!(
            "区块 {block}（第 {epoch} 纪元的{deadline}）经过时 Bootwatch 没有最新数据，\
             无法判断 {model} 的选择是否及时。当前已存：{}。",
            noun(stored)
        ),
        P::NothingToDecide { model } => format!("{model} 无需再做决定"),
        P::NothingToDecideWhat { model } => format!("{model} 已不在该主机的模型之列。"),
        P::NothingHelpsWhat { model, deadline, epoch, stored } => format!(
            "在第 {epoch} 纪元的{deadline}之前，该主机为 {model} 作出的任何选择都不再改变其扣除。当前已存：{}。",
            noun(stored)
        ),
        P::PreEligible { model } => format!("{model} 已获预资格"),
        P::MissedCapture { model, short } => format!("{model} 未通过快照：{short}"),
        P::PreEligibleWhat { model, epoch, block } => format!(
            "{}快照取自区块 {block}：{model} 已获预资格，声明意向的主机应从下一次 PoC \
             开始时提交。{ADVISORY}",
            of_epoch(epoch)
        ),
        P::MissedCaptureWhat { model, epoch, block, short } => format!(
            "{}快照取自区块 {block}：{model} 未获预资格，{short}。{ADVISORY}",
            of_epoch(epoch)
        ),
        P::NoCapture { model, block } => format!("区块 {block} 没有 {model} 的快照"),
        P::NoCaptureWhat { model, epoch, block } => format!(
            "区块 {block}（第 {epoch} 纪元的快照）已过，其中没有任何事件提到 {model}。快照失败了，\
             或者链在其他高度取了快照。该纪元将以更早的快照为准，或没有快照。"
        ),
        P::NoneKnown => "未知".into(),
        P::SecondCapture { model } => format!("{model} 在同一纪元内第二次快照"),
        P::SecondCaptureWhat { model, first, block } => {
            format!("{model} 在区块 {first} 取了快照，又在区块 {block} 再次取快照。以后一次为准。")
        }
        P::MovedCapture { model } => format!("{model} 的快照出现在其他高度"),
        P::MovedCaptureWhat { model, block } => format!(
            "{model} 的快照取自区块 {block}，按已知参数那里不应有快照。按预期高度发送的选择可能已经太迟。"
        ),
        P::WouldMiss { model, epoch } => format!("{model} 将无法通过第 {epoch} 纪元的快照"),
        P::WouldMissWhat { model, epoch, missing } => format!(
            "如果现在就取第 {epoch} 纪元的快照，{model} 不会获得预资格：{missing}。\
             这是按当前选择和权重的推算。"
        ),
        P::Uncertain => "该推算不确定：最近一次快照时，链统计的全网权重与 Bootwatch 不同。".into(),
        P::SuchAs { count, hosts } => format!("{count}，例如 {hosts}"),
        P::NoneWould => "没有任何主机能补足".into(),
        P::CostsFrom { model, epoch } => format!("{model} 从第 {epoch} 纪元起会造成损失"),
        P::CostsFromWhat { model, epoch, running } => format!(
            "从第 {epoch} 纪元起，没有被接受的工作、委托或拒绝的主机会因 {model} 被扣除。当前是第 \
             {running} 纪元。第 {epoch} 纪元以之前的选择为准：候选模型看快照，活跃模型看验证开始。"
        ),
        P::FellOut { model } => format!("{model} 已退出"),
        P::FellOutWhat { model, before, since } => format!(
            "{model} 在第 {before} 纪元有组，从第 {since} 纪元起没有了：被接受的工作太少。它重新成为\
             候选模型：意向和委托在快照时计入，拒绝在快照时不被读取，委托给没有意向的主机不起作用。"
        ),
        P::NoCommitWhat { model } => format!(
            "PoC 已开始，但该主机对 {model} 的提交尚未被任何区块收录。没有提交就得不到该模型的奖励，\
             而没有履行的意向与没有选择损失相同。请检查 ML 节点，以及用于提交的账户能否支付手续费。"
        ),
        P::NoDistribution { model } => format!("{model} 缺少权重分配"),
        P::NoDistributionWhat { model } => format!(
            "该主机为 {model} 提交了工作，但没有发送权重分配。没有权重分配，链不会计入该提交。\
             请查看 API 容器的日志。"
        ),
        P::Excluded => "已被移出当前纪元".into(),
        P::ExcludedWhat { epoch, block, reason } => format!(
            "链在区块 {block} 将该主机移出第 {epoch} 纪元，原因：“{reason}”。在下一纪元之前它没有权重，\
             其选择在快照时不被读取，委托给它的主机按没有选择扣除。"
        ),
        P::Risk(risk) => match risk {
            Risk::Excluded => "已被移出",
            Risk::Guardian => "是链的守护者，必须独立于委托",
            Risk::Delegates => "自己也委托了该模型",
            Risk::Refuses => "自己拒绝了该模型",
            Risk::NotCommitted => "在当前 PoC 中尚未提交",
            Risk::NotDistributed => "没有发送权重分配，其提交因此不计入",
            Risk::Capped => "会因上限失去投票权",
            Risk::Concentrated => "占有该组很大一部分投票权",
        }
        .into(),
        P::DelegateOf { model, risk } => format!("{model} 的受托主机{risk}"),
        P::DelegateOfWhat { host, model, delegate, risk } => format!(
            "{host} 将 {model} 委托给 {delegate}，该主机{risk}。如果验证结束时受托主机未被接受，\
             委托将视为没有选择。"
        ),
        P::NoLiveMember => "不是有效成员".into(),
        P::Charged { epoch, share, of_weight } => {
            format!("第 {epoch} 纪元扣除{} {share}", whole(of_weight))
        }
        P::ChargedCost { epoch, share, of_weight } => {
            format!("第 {epoch} 纪元{}的 {share}。", whole(of_weight))
        }
        P::ChargedWhat { epoch } => {
            format!("链在形成第 {epoch} 纪元时确定了这笔扣除，不可更改。")
        }
        P::About { amount } => format!("约合 {amount}。"),
        P::Would { proposal, deed, more: 0 } => format!("提案 {proposal} 将{}", would(deed)),
        P::Would { proposal, deed, more } => {
            format!("提案 {proposal} 将{}，另有 {more} 项", would(deed))
        }
        P::VoteWhat { proposal, expedited } => format!(
            "治理正在对提案 {proposal} 投票。下面将其内容与当前参数对照；如果通过，从投票结束的区块起生效。{}",
            if expedited {
                "这是加急提案；如果加急未通过，将转为普通投票继续。"
            } else {
                ""
            }
        ),
        P::VoteOver { proposal } => format!("提案 {proposal} 的投票已结束"),
        P::VoteOverWhat { changed: Some(block) } => {
            format!("投票已结束。参数已随区块 {block} 变更，详见 ParamsChanged。")
        }
        P::VoteOverWhat { changed: None } => {
            "投票已结束。自投票开始以来，这里读取的参数没有变化。".into()
        }
        P::VoteMoot { proposal } => format!("提案 {proposal} 不再改变任何内容"),
        P::VoteMootWhat => "它要改变的内容已经如此，或已无法实现。".into(),
        P::UpgradeAt { upgrade, block } => format!("升级 {upgrade}，区块 {block}"),
        P::UpgradeWhat { block } => format!(
            "旧程序从区块 {block} 起不再出块：链将停在那里，直到有足够的主机运行新程序，此后的所有截止\
             时间都会相应推迟。请提前准备好节点和 API 的新版本，并在升级后确认两者都已运行。"
        ),
        P::UpgradeDisturbs { blocks, deadline } => format!(
            "升级距{deadline}只有 {} 个区块：升级之后，为此发送的选择和工作可能来不及。请在升级前发送选择。",
            grouped(blocks)
        ),
        P::BlocksAhead { block, blocks } => {
            format!("{block}，还有 {} 个区块", grouped(blocks))
        }
        P::DeadlineAfter { deadline, epoch, block, blocks } => {
            format!("第 {epoch} 纪元的{deadline}，区块 {block}，相隔 {} 个区块", grouped(blocks))
        }
        P::UpgradeThere { upgrade, block } => format!("升级 {upgrade}：已到区块 {block}"),
        P::UpgradeThereWhat { upgrade, block } => {
            format!("链已越过区块 {block}。请确认您的节点和 API 运行的是 {upgrade}。")
        }
        P::UpgradeOff { upgrade, block } => format!("升级 {upgrade}（区块 {block}）已取消"),
        P::UpgradeOffWhat => "该升级已不在计划中：已被撤回，或被另一个升级取代。".into(),
        P::Stalled { behind } => format!("未接收区块，落后 {} 个区块", grouped(behind)),
        P::StalledOver => "未接收区块".into(),
        P::StalledWhat => {
            "链在继续，但 Bootwatch 没有接收区块。它显示的是过去的情况，截止时间可能在不知不觉中错过。\
             请检查其日志、磁盘和节点。"
                .into()
        }
        P::Refused { channel, recipient } => format!("{channel} 发给 {recipient} 的消息被拒收"),
        P::RefusedWhat { channel, recipient } => format!(
            "通过 {channel} 发给 {recipient} 的一条消息被永久拒收，不会重发。\
             修复之前，重要消息可能无法送达。"
        ),
        P::NotGettingThrough { channel } => format!("{channel} 的消息发不出去"),
        P::NotGettingThroughWhat { waiting, since } => format!(
            "等待发送的消息：{waiting} 条，最早的自 {since}。系统会继续重试，最多五天；在此之前无法\
             通过该渠道通知任何人。`bootwatch notify test` 会显示对方的答复。"
        ),
        P::AllWell => "一切正常".into(),
        P::AllWellWhat { block } => {
            format!("区块已接收至 {block}，警报照常判断，消息可以送达。目前没有警报。")
        }
        P::StillFiring { count } => format!("目前有 {count} 个警报"),
        P::StillFiringWhat { block } => {
            format!("区块已接收至 {block}，警报照常判断，消息可以送达。当前的警报列在下面。")
        }
        P::Unwell(unwell) => match unwell {
            Unwell::NoBlock => "尚未接收任何区块",
            Unwell::NotJudged => "警报不再被判断",
            Unwell::Stale => "数据已过时",
            Unwell::NotDelivered => "消息发不出去",
            Unwell::NotWritten => "数据库无法写入",
        }
        .into(),
        P::NotWell { why } => format!("Bootwatch 状态异常：{why}"),
        P::NotWellWhat { why, block } => {
            format!("{why}；最新区块为 {block}。修复之前，重要消息可能迟到或无法送达。")
        }
        P::TestHeadline => "该渠道工作正常".into(),
        P::TestWhat { channel } => format!(
            "这是对渠道 {channel} 的测试，由 `bootwatch notify test` 发出。没有发生任何事，\
             也无需任何操作。"
        ),
    }
}

const ADVISORY: &str =
    "这只是参考：未通过的模型仍可能激活，通过的也可能失败。最终以验证结束时被接受者为准。";

const DAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];

fn would(deed: Deed<'_>) -> String {
    match deed {
        Deed::Change { name, before, after } => format!("把 {name} 从 {before} 改为 {after}"),
        Deed::Add { model } => format!("新增 {model}"),
        Deed::Remove { model } => format!("移除 {model}"),
        Deed::Schedule { upgrade, block } => format!("在区块 {block} 安排升级 {upgrade}"),
        Deed::CancelUpgrade => "取消已安排的升级".into(),
    }
}

fn of_epoch(epoch: Option<u64>) -> String {
    epoch.map_or_else(String::new, |epoch| format!("第 {epoch} 纪元的"))
}

fn whole(of_weight: bool) -> &'static str {
    if of_weight { "权重" } else { "奖励" }
}

fn need(reason: AdviceReason, model: &str) -> String {
    match reason {
        AdviceReason::NoChoice => format!("{model} 尚未选择"),
        AdviceReason::RefusalExpired => format!("{model} 的拒绝已失效"),
        AdviceReason::IntentExpired => format!("{model} 的意向已失效"),
        AdviceReason::RefusalOnCandidate => format!("拒绝 {model} 起不到保护作用"),
        AdviceReason::IntentOnActive => format!("{model} 的意向无效"),
        AdviceReason::DelegateDoesNotServe => format!("受托主机没有运行 {model}"),
        AdviceReason::DelegateWithoutIntent => format!("受托主机没有声明 {model} 的意向"),
        AdviceReason::TooLate => format!("{model} 的选择太迟了"),
        AdviceReason::IntentNotServed => format!("{model} 尚未提交"),
    }
}

fn deadline(name: DeadlineName) -> &'static str {
    match name {
        DeadlineName::Capture => "快照",
        DeadlineName::PocStart => "PoC 开始",
        DeadlineName::CommitDeadline => "提交截止",
        DeadlineName::ValidationStart => "验证开始",
        DeadlineName::ValidationEnd => "验证结束",
    }
}

fn noun(stored: Stored) -> &'static str {
    match stored {
        Stored::Delegation => "委托",
        Stored::Refusal => "拒绝",
        Stored::Intent => "意向",
        Stored::Nothing => "无",
        Stored::Unknown => "未知",
    }
}
