using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Tests.Validation;

public class ThrottleTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task After_five_failures_even_a_right_code_is_refused_until_the_delay_is_over()
    {
        var clock = new Clock(Start);
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        await server.AddTokenAsync("A1", Codes.Secret);
        for (var i = 0; i < 5; i++)
        {
            Assert.False(await server.AcceptsAsync("A1", "000000"));
        }

        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        Assert.Equal(5, (await server.CounterAsync("A1")).Failures);
        clock.Now += TimeSpan.FromSeconds(30);

        Assert.True(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
        Assert.Equal(0, (await server.CounterAsync("A1")).Failures);
    }

    // CVE-2024-4629: failures counted after the check let a burst through.
    [Fact]
    public async Task A_burst_of_two_hundred_wrong_codes_gets_five_looks()
    {
        await using var server = await ServerUnderTest.StartAsync(time: new Clock(Start));
        await server.AddTokenAsync("A1", Codes.Secret);

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => server.AcceptsAsync("A1", $"{i:D6}")));

        Assert.Equal(5, (await server.CounterAsync("A1")).Failures);
        Assert.False(await server.AcceptsAsync("A1", Codes.Hotp(Codes.Secret, 0)));
    }

    [Fact]
    public void The_delay_doubles_from_thirty_seconds_to_fifteen_minutes_and_ends_in_a_lock()
    {
        var policy = new ValidationPolicy();
        var row = new CounterRow();
        var delays = new List<double>();
        for (var i = 0; i < policy.HardCap; i++)
        {
            row.LockedUntil = 0;
            Throttle.CountFailure(ref row, policy, Start);
            delays.Add(row.LockedUntil == 0 ? 0 : (row.LockedUntil - Start.ToUnixTimeMilliseconds()) / 1000.0);
        }

        Assert.Equal([0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900], delays.Take(11));
        Assert.Equal(CounterFlags.Locked, row.Flags);
    }

    [Fact]
    public void The_default_settings_give_a_guesser_about_one_chance_in_a_thousand_and_a_wide_window_is_refused()
    {
        // The counter's own code and ten past it are accepted, a hundred times over.
        Assert.Equal(0.0011, new ValidationPolicy().ChanceOfAGuess(), precision: 9);
        Assert.Null(new ValidationPolicy().Warning());
        Assert.Contains("0.12", new ValidationPolicy { LookAhead = 11 }.Warning()!, StringComparison.Ordinal);
        Assert.Null(new ValidationPolicy { LookAhead = 11, HardCap = 90 }.Warning());
        Assert.Empty(new ValidationPolicy().Faults());

        // 51 codes at once and 200 guesses would succeed about once in a hundred; the cap itself is bounded first.
        var faults = new ValidationPolicy { LookAhead = 51, HardCap = 200 }.Faults().ToArray();
        Assert.Contains(faults, fault => fault.Contains("HardCap is 200", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("above 1 %", StringComparison.Ordinal));
    }
}
