using OathServer.Storage;

namespace OathServer.Tests.Validation;

/// <summary>A token that has run ahead in a drawer: two codes in a row align it, where it is used and without help desk.</summary>
public class FirstUseTests
{
    private const string Serial = "A1";

    [Theory]
    [InlineData(11)]
    [InlineData(1000)]
    public async Task The_first_code_far_ahead_of_a_token_never_used_is_refused_and_the_next_lets_the_holder_in(int ahead)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync(Serial, Codes.Secret, counter: 100, state: TokenState.Imported);

        Assert.False(await server.AcceptsAsync(Serial, At(100 + ahead)));
        Assert.True(await server.AcceptsAsync(Serial, At(100 + ahead + 1)));

        var row = await server.CounterAsync(Serial);
        Assert.Equal((100 + ahead + 2, TokenState.Active, 0, 0), (row.Counter, row.State, row.Failures, row.Drift));
        Assert.False(await server.AcceptsAsync(Serial, At(100 + ahead)));
        Assert.False(await server.AcceptsAsync(Serial, At(100 + ahead + 1)));
        Assert.True(await server.AcceptsAsync(Serial, At(100 + ahead + 2)));
    }

    [Fact]
    public async Task Two_codes_with_a_gap_or_another_code_between_them_do_not_count()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync(Serial, Codes.Secret, state: TokenState.Imported);

        foreach (var code in (string[])[At(400), At(402), "000000", At(403)])
        {
            Assert.False(await server.AcceptsAsync(Serial, code));
        }

        Assert.Equal(0, (await server.CounterAsync(Serial)).Counter);
    }

    [Fact]
    public async Task A_code_past_the_first_use_window_and_its_next_do_not_count()
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Validation:FirstUseWindow"] = "200" });
        await server.AddTokenAsync(Serial, Codes.Secret, state: TokenState.Imported);

        Assert.False(await server.AcceptsAsync(Serial, At(201)));
        Assert.False(await server.AcceptsAsync(Serial, At(202)));
        Assert.False(await server.AcceptsAsync(Serial, At(203)));
    }

    [Theory]
    [InlineData(TokenState.Active, "1000")]
    [InlineData(TokenState.Imported, "0")]
    public async Task A_token_in_use_or_a_window_of_none_takes_no_second_code(object state, string window)
    {
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?> { ["Validation:FirstUseWindow"] = window });
        await server.AddTokenAsync(Serial, Codes.Secret, state: (TokenState)state);

        Assert.False(await server.AcceptsAsync(Serial, At(50)));
        Assert.False(await server.AcceptsAsync(Serial, At(51)));
        Assert.False(await server.AcceptsAsync(Serial, At(52)));
    }

    [Fact]
    public async Task Once_a_code_was_accepted_the_everyday_window_counts()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await server.AddTokenAsync(Serial, Codes.Secret, state: TokenState.Imported);
        Assert.True(await server.AcceptsAsync(Serial, At(3)));

        Assert.False(await server.AcceptsAsync(Serial, At(50)));
        Assert.False(await server.AcceptsAsync(Serial, At(51)));
    }

    private static string At(long counter) => Codes.Hotp(Codes.Secret, counter);
}
