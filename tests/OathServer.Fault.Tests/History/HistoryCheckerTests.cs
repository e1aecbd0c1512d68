using System.Diagnostics;

namespace OathServer.Fault.Tests.History;

/// <summary>The checker itself, on histories that were doctored: it must see what was done to them.</summary>
public class HistoryCheckerTests
{
    private static readonly long Second = Stopwatch.Frequency;

    [Fact]
    public void A_history_in_order_holds() => Assert.Empty(Check(Sound()));

    [Fact]
    public void A_counter_accepted_twice_is_seen() =>
        Assert.Contains("counter 4 was accepted 2 times, by nodes 0, 1", Assert.Single(Check([.. Sound(), Accept(4, start: 40, end: 45) with { Node = 1 }], stored: 11), f => f.Contains("times", StringComparison.Ordinal)), StringComparison.Ordinal);

    [Fact]
    public void A_counter_accepted_twice_long_afterwards_is_seen() =>
        Assert.Contains(Check([.. Sound(), Accept(4, start: 900, end: 901)]), f => f.Contains("counter 4 was accepted 2 times", StringComparison.Ordinal));

    [Fact]
    public void A_code_below_an_acknowledged_one_is_seen()
    {
        List<Attempt> attempts = [Accept(7, start: 0, end: 5), Accept(3, start: 6, end: 9)];

        Assert.Contains("counter 3 was accepted after counter 7", Assert.Single(Check(attempts, stored: 8)), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_requests_at_the_same_time_may_be_accepted_in_either_order() =>
        Assert.Empty(Check([Accept(7, start: 0, end: 5), Accept(3, start: 4, end: 9)], stored: 8));

    [Fact]
    public void A_wrong_code_that_was_accepted_is_seen() =>
        Assert.Contains(Check([.. Sound(), Accept(-1, start: 900, end: 901) with { Meaning = Meaning.Wrong }]), f => f.Contains("a wrong code was accepted", StringComparison.Ordinal));

    [Fact]
    public void An_acknowledged_counter_that_the_store_forgot_is_seen() =>
        Assert.Contains("the store would accept 9 next", Assert.Single(Check(Sound(), stored: 9)), StringComparison.Ordinal);

    [Fact]
    public void A_token_that_is_gone_is_seen() =>
        Assert.Contains("it is gone", Assert.Single(HistoryChecker.Check(new ClientHistory(Sound(), [], new Dictionary<int, long>(), new Dictionary<int, long>()))), StringComparison.Ordinal);

    [Fact]
    public void A_reply_that_was_lost_proves_nothing() =>
        Assert.Empty(Check([.. Sound(), Accept(4, start: 900, end: 901) with { Answer = Answer.Lost }, Accept(5, start: 900, end: 901) with { Answer = Answer.Unavailable }]));

    [Fact]
    public void A_fault_of_the_server_is_seen() =>
        Assert.Contains("neither with a verdict nor with 503", Assert.Single(Check([.. Sound(), Accept(5, start: 900, end: 901) with { Answer = Answer.Other }])), StringComparison.Ordinal);

    [Fact]
    public void A_hang_is_seen() =>
        Assert.Contains("took 12.0 s", Assert.Single(Check([.. Sound(), Accept(5, 0, 0) with { Answer = Answer.Unavailable, Ended = 12 * Second }], limit: TimeSpan.FromSeconds(10))), StringComparison.Ordinal);

    [Fact]
    public void An_acknowledged_act_that_the_store_forgot_is_seen()
    {
        List<Act> acts = [new(1, 1, true), new(1, 2, true), new(1, 3, false), new(2, 1, true)];
        ClientHistory After(long first) => new([], acts, new Dictionary<int, long>(), new Dictionary<int, long> { [1] = first, [2] = 1 });

        Assert.Empty(HistoryChecker.Check(After(2)));
        Assert.Empty(HistoryChecker.Check(After(3)));
        Assert.Contains("act 2 was acknowledged, but the store holds act 1", Assert.Single(HistoryChecker.Check(After(1))), StringComparison.Ordinal);
    }

    private static List<Attempt> Sound() => [.. Enumerable.Range(0, 10).Select(i => Accept(i, start: i * 10, end: (i * 10) + 5))];

    private static Attempt Accept(long counter, long start, long end) => new(1, counter, Meaning.Right, Answer.Accepted, start, end, 0);

    private static List<string> Check(IReadOnlyList<Attempt> attempts, long stored = 10, TimeSpan? limit = null) =>
        HistoryChecker.Check(new ClientHistory(attempts, [], new Dictionary<int, long> { [1] = stored }, new Dictionary<int, long>()), limit);
}
