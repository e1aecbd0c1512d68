namespace OathServer.Tests.Interop;

/// <summary>PAM as a login machine has it: Debian's libpam-oath is the independent judge of counters, and Debian's
/// libpam-radius-auth is the recipe of <c>docs/radius-and-privacyidea.md</c>. pamtester plays the login.</summary>
public class PamTests
{
    private const int LookAhead = 10;

    // pam_oath keeps the counter last used and counts its window from there; ours starts at the next one.
    private const int PamWindow = LookAhead + 1;

    [Fact]
    public async Task The_same_stream_of_codes_gets_the_same_verdicts_from_pam_oath()
    {
        using var pam = Pam.With(
            "auth required pam_oath.so usersfile={0}/users.oath window=" + PamWindow + " digits=6\naccount required pam_permit.so\n",
            ("users.oath", "HOTP alice - " + Convert.ToHexString(Codes.Secret) + " 0\n"));
        await using var server = await ServerUnderTest.StartAsync(new Dictionary<string, string?>
        {
            ["Validation:LookAhead"] = $"{LookAhead}",
            // pam_oath has no throttle: ours must not be what is compared.
            ["Validation:FastFailures"] = "50",
        });
        await server.AddTokenAsync("A1", Codes.Secret, user: "alice");

        // In step, a replay, skipped presses, the edges of the window, one behind, far ahead, and back in step.
        var (ours, theirs) = (new List<string>(), new List<string>());
        foreach (var counter in (long[])[0, 1, 1, 4, 3, 14, 26, 25, 24, 25, 200, 26, 0, 36, 47, 46])
        {
            var code = Codes.Hotp(Codes.Secret, counter);
            ours.Add($"{counter}: {await server.AcceptsAsync("A1", code)}");
            theirs.Add($"{counter}: {await pam.AcceptsAsync("alice", code)}");
        }

        Assert.Equal(theirs, ours);
        Assert.Contains(ours, verdict => verdict.EndsWith("False", StringComparison.Ordinal));
        Assert.Contains(ours, verdict => verdict.EndsWith("True", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_login_through_pam_and_radius_is_accepted_once()
    {
        await using var radius = await RadiusServer.StartAsync();
        await radius.Server.AddTokenAsync("A1", Codes.Secret, user: "alice");
        using var pam = Pam.With(
            "auth required pam_radius_auth.so conf={0}/radius.conf\naccount required pam_permit.so\n",
            ("radius.conf", $"127.0.0.1:{radius.Port} {RadiusServer.Secret} 5\n"));

        Assert.True(await pam.AcceptsAsync("alice", Codes.Hotp(Codes.Secret, 0)));
        Assert.False(await pam.AcceptsAsync("alice", Codes.Hotp(Codes.Secret, 0)));
        Assert.False(await pam.AcceptsAsync("nobody", Codes.Hotp(Codes.Secret, 1)));
        Assert.True(await pam.AcceptsAsync("alice", Codes.Hotp(Codes.Secret, 1)));

        // Far ahead: PAM's conversation shows the challenge and asks for the next code, in the same login.
        Assert.True(await pam.AcceptsAsync("alice", Codes.Hotp(Codes.Secret, 50), Codes.Hotp(Codes.Secret, 51)));
        Assert.Equal(52, (await radius.Server.CounterAsync("A1")).Counter);
    }
}
