namespace Oath.Tests;

public sealed class TotpTests
{
    private const ulong Now = 50_000_000;
    private static readonly byte[] Secret = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Theory]
    [InlineData(0, 1, 1, -1, true)]
    [InlineData(0, 1, 1, 1, true)]
    [InlineData(0, 1, 1, -2, false)]
    [InlineData(0, 1, 1, 2, false)]
    [InlineData(0, 0, 0, 0, true)]
    [InlineData(-5, 1, 1, -6, true)]   // the key's clock is five steps slow
    [InlineData(-5, 1, 1, -3, false)]
    [InlineData(-5, 1, 1, 0, false)]
    [InlineData(5, 0, 2, 7, true)]
    public void A_code_is_found_around_the_step_moved_by_the_drift(
        int drift, int stepsBack, int stepsAhead, int at, bool found)
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        ulong step = (ulong)((long)Now + at);

        Assert.Equal(
            found,
            Totp.TryMatch(key, Now, drift, stepsBack, stepsAhead, firstAllowedStep: 0, Code(key, step), out ulong got));
        Assert.Equal(found ? step : 0, got);
    }

    [Fact]
    public void A_step_is_accepted_once()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);
        OtpCode code = Code(key, Now);

        Assert.True(Totp.TryMatch(key, Now, 0, 1, 1, firstAllowedStep: Now, code, out ulong matched));
        Assert.False(Totp.TryMatch(key, Now, 0, 1, 1, firstAllowedStep: matched + 1, code, out _));
        Assert.False(Totp.TryMatch(key, Now, 0, 100, 100, firstAllowedStep: ulong.MaxValue, code, out _));
        Assert.True(Totp.TryMatch(key, Now, 0, 1, 1, matched + 1, Code(key, Now + 1), out _));
    }

    [Fact]
    public void The_window_stops_at_the_first_and_the_last_step_there_is()
    {
        using OathKey key = OathKey.Create(OathAlgorithm.Sha1, Secret);

        Assert.True(Totp.TryMatch(key, 1, -5, 10, 0, 0, Code(key, 0), out ulong matched));
        Assert.Equal(0ul, matched);
        Assert.True(Totp.TryMatch(key, ulong.MaxValue - 1, 5, 3, 10, 0, Code(key, ulong.MaxValue), out matched));
        Assert.Equal(ulong.MaxValue, matched);
    }

    [Fact]
    public void Steps_are_counted_from_1970()
    {
        Assert.Equal(0ul, Totp.StepAt(DateTimeOffset.UnixEpoch, periodSeconds: 30));
        Assert.Equal(0ul, Totp.StepAt(DateTimeOffset.UnixEpoch.AddSeconds(29.999), periodSeconds: 30));
        Assert.Equal(1ul, Totp.StepAt(DateTimeOffset.UnixEpoch.AddSeconds(30), periodSeconds: 30));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => Totp.StepAt(DateTimeOffset.UnixEpoch.AddSeconds(-1), periodSeconds: 30));
        Assert.Throws<ArgumentOutOfRangeException>(() => Totp.StepAt(DateTimeOffset.UnixEpoch, periodSeconds: 0));
    }

    private static OtpCode Code(OathKey key, ulong step) =>
        OtpCode.TryParse(Hotp.Format(Hotp.Compute(key, step, digits: 8), digits: 8), digits: 8, out OtpCode code)
            ? code
            : throw new InvalidOperationException();
}
