using System.Net.Http.Json;

namespace OathServer.Tests.Interop;

/// <summary>Debian's FreeRADIUS with its own rlm_rest and the configuration we ship, asked by its own radclient.</summary>
public class FreeRadiusTests
{
    [Fact]
    public async Task A_radius_login_is_accepted_once_and_a_wrong_or_locked_one_rejected()
    {
        await using var radius = await RadiusServer.StartAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "al ice&x");

        Assert.Equal(["Access-Accept"], await radius.AskAsync(("al ice&x", "755224")));
        Assert.Equal(["Access-Reject"], await radius.AskAsync(("al ice&x", "755224")));
        Assert.Equal(["Access-Reject"], await radius.AskAsync(("nobody", "755224")));
        Assert.Equal(Enumerable.Repeat("Access-Reject", 5), await radius.AskAsync([.. Enumerable.Repeat(("al ice&x", "000000"), 5)]));
        Assert.Equal(["Access-Reject"], await radius.AskAsync(("al ice&x", Codes.Hotp(Codes.Secret, 1))));
        Assert.Equal(1, (await radius.Server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_code_far_ahead_is_challenged_and_the_next_one_resynchronises_within_the_login()
    {
        await using var radius = await RadiusServer.StartAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "alice");

        var challenge = await radius.SendAsync(Login(60));
        var state = challenge.Split('\n').Single(line => line.Trim().StartsWith("State = 0x", StringComparison.Ordinal)).Trim();

        Assert.Contains("Received Access-Challenge", challenge, StringComparison.Ordinal);
        Assert.Contains("Reply-Message = \"Press your key once more and type the next code.\"", challenge, StringComparison.Ordinal);
        Assert.Equal(0, (await radius.Server.CounterAsync("A1")).Counter);
        Assert.Contains("Received Access-Reject", await radius.SendAsync(Login(60) + "\n" + state), StringComparison.Ordinal);
        Assert.Contains("Received Access-Accept", await radius.SendAsync(Login(61) + "\n" + state), StringComparison.Ordinal);
        Assert.Equal(62, (await radius.Server.CounterAsync("A1")).Counter);
        Assert.Contains("Received Access-Reject", await radius.SendAsync(Login(61) + "\n" + state), StringComparison.Ordinal);
        Assert.Contains("Received Access-Reject", await radius.SendAsync(Login(62) + "\nState = 0x00ff"), StringComparison.Ordinal);
        Assert.Equal(["Access-Accept"], await radius.AskAsync(("alice", Codes.Hotp(Codes.Secret, 62))));

        static string Login(int counter) => $"User-Name = \"alice\"\nUser-Password = \"{Codes.Hotp(Codes.Secret, counter)}\"";
    }

    [Fact]
    public async Task PIN_and_code_in_one_field_are_both_needed_and_a_wrong_PIN_costs_no_code()
    {
        await using var radius = await RadiusServer.StartAsync(("alice", "47%11 x"));
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var (first, second) = (Codes.Hotp(Codes.Secret, 0), Codes.Hotp(Codes.Secret, 1));

        Assert.Equal(
            ["Access-Reject", "Access-Reject", "Access-Reject", "Access-Accept", "Access-Reject", "Access-Accept"],
            await radius.AskAsync(
                ("alice", "47%11 y" + first), ("alice", first), ("bob", "47%11 x" + first), ("alice", "47%11 x" + first), ("alice", "47%11 x" + first), ("alice", "47%11 x" + second)));

        // Only the replay counted, and the next code cleared it.
        var row = await radius.Server.CounterAsync("A1");
        Assert.Equal((2, 0), (row.Counter, row.Failures));
    }

    [Fact]
    public async Task PIN_and_code_go_through_the_plain_configuration_where_the_server_keeps_the_PIN()
    {
        await using var radius = await RadiusServer.StartAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        var staff = await radius.Server.Client();
        using var policy = await staff.PutAsJsonAsync("/v1/realms/default/policy", new { pin = "before-code" }, TestContext.Current.CancellationToken);
        using var set = await staff.PutAsJsonAsync("/v1/tokens/A1/pin", new { pin = "47%11 x", reason = "radius test" }, TestContext.Current.CancellationToken);
        Assert.True(policy.IsSuccessStatusCode && set.IsSuccessStatusCode);
        string Code(int counter) => Codes.Hotp(Codes.Secret, counter);

        Assert.Equal(
            ["Access-Reject", "Access-Reject", "Access-Accept", "Access-Reject", "Access-Accept"],
            await radius.AskAsync(("alice", "47%11 y" + Code(0)), ("alice", Code(0)), ("alice", "47%11 x" + Code(0)), ("alice", "47%11 x" + Code(0)), ("alice", "47%11 x" + Code(1))));

        // Behind the right PIN a code far ahead is challenged; the next one may stand behind the PIN again.
        var challenge = await radius.SendAsync($"User-Name = \"alice\"\nUser-Password = \"47%11 x{Code(60)}\"");
        var state = challenge.Split('\n').Single(line => line.Trim().StartsWith("State = 0x", StringComparison.Ordinal)).Trim();
        Assert.Contains("Received Access-Accept", await radius.SendAsync($"User-Name = \"alice\"\nUser-Password = \"47%11 x{Code(61)}\"\n{state}"), StringComparison.Ordinal);
        Assert.DoesNotContain("State = 0x", await radius.SendAsync($"User-Name = \"alice\"\nUser-Password = \"47%11 y{Code(120)}\""), StringComparison.Ordinal);
        Assert.Equal(62, (await radius.Server.CounterAsync("A1")).Counter);
    }

    [Fact]
    public async Task A_thousand_logins_pass_without_loss()
    {
        await using var radius = await RadiusServer.StartAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "alice");

        var answers = await radius.AskAsync([.. Enumerable.Range(0, 1000).Select(counter => ("alice", Codes.Hotp(Codes.Secret, counter)))]);

        Assert.Equal(1000, answers.Count(answer => answer == "Access-Accept"));
        Assert.Equal(1000, (await radius.Server.CounterAsync("A1")).Counter);
    }
}
