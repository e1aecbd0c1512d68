using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;

namespace OathServer.Tests.SignIn;

public class SignInTests
{
    private const string Password = "correct horse battery staple";

    [Fact]
    public async Task The_first_link_makes_one_administrator_and_then_nobody_else()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var link = await FirstLinkAsync(server);
        using var browser = new Browser(server.Address);
        Assert.Contains("Create the first administrator", await browser.ReadAsync(link), StringComparison.Ordinal);

        using var made = await browser.SetUpAsync(link, Password, "ada");
        Assert.Equal(HttpStatusCode.Redirect, made.StatusCode);
        using var staff = await browser.Client.GetAsync("/v1/staff", Cancel);
        Assert.Equal(HttpStatusCode.OK, staff.StatusCode);

        using var other = new Browser(server.Address);
        using var again = await other.SetUpAsync(link, Password, "eve");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, again.StatusCode);
        Assert.Null(await server.WithDatabase(db => server.Services.GetRequiredService<StaffLinks>().FirstAdministratorAsync(db, Cancel)));
        Assert.Equal("ada", Assert.Single(await server.WithDatabase(db => db.Staff.ToListAsync(Cancel))).UserName);
    }

    [Fact]
    public async Task A_link_is_not_used_up_by_opening_it_or_by_a_weak_password_and_ends_after_a_day()
    {
        var clock = new Clock(new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero));
        await using var server = await ServerUnderTest.StartAsync(time: clock);
        var link = await FirstLinkAsync(server);
        using var browser = new Browser(server.Address);
        foreach (var weak in (string[])["short", "aaaaaaaaaaaaaaaa", "ada-oathserver1", "passwordpassword"])
        {
            using var refused = await browser.SetUpAsync(link, weak, "ada");
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        }

        clock.Now += TimeSpan.FromHours(25);
        using var late = await browser.SetUpAsync(link, Password, "ada");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, late.StatusCode);
        clock.Now -= TimeSpan.FromHours(2);
        using var made = await browser.SetUpAsync(link, Password, "ada");
        Assert.Equal(HttpStatusCode.Redirect, made.StatusCode);
    }

    [Fact]
    public async Task Two_who_send_one_link_at_once_get_one_administrator()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var link = await FirstLinkAsync(server);

        var codes = await Task.WhenAll(Enumerable.Range(0, 4).Select(async i =>
        {
            using var browser = new Browser(server.Address);
            using var reply = await browser.SetUpAsync(link, Password, $"ada{i}");
            return reply.StatusCode;
        }));

        Assert.Single(codes, HttpStatusCode.Redirect);
        Assert.Equal(1, await server.WithDatabase(db => db.Staff.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Staff_sign_in_and_out_and_the_cookie_is_closed_to_scripts_and_other_sites()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        using var browser = new Browser(server.Address);

        using var entered = await browser.SignInAsync("ada", Password);
        Assert.Equal("/", entered.Headers.Location?.OriginalString);
        var cookie = Assert.Single(entered.Headers.GetValues("Set-Cookie"), c => c.StartsWith("oath-staff=", StringComparison.Ordinal));
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        using var open = await browser.Client.GetAsync("/v1/tokens", Cancel);
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);

        using var left = await browser.SubmitAsync("/account/password", "/sign-out");
        Assert.Equal(HttpStatusCode.Redirect, left.StatusCode);
        using var closed = await browser.Client.GetAsync("/v1/tokens", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, closed.StatusCode);
    }

    [Fact]
    public async Task A_wrong_password_an_unknown_name_and_a_disabled_person_get_one_answer_and_the_trail_has_the_reason()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        await AddStaffAsync(server, "bob", Roles.Auditor);
        (await (await server.Client()).PostAsync("/v1/staff/bob/disable", null, Cancel)).EnsureSuccessStatusCode();
        using var browser = new Browser(server.Address);

        var pages = new List<string>();
        foreach (var (name, password) in ((string, string)[])[("ada", "wrong horse battery"), ("nobody", Password), ("bob", Password)])
        {
            using var reply = await browser.SignInAsync(name, password);
            Assert.Equal(HttpStatusCode.Unauthorized, reply.StatusCode);
            var html = await reply.Content.ReadAsStringAsync(Cancel);
            pages.Add(html[html.IndexOf("role=\"alert\"", StringComparison.Ordinal)..html.IndexOf("<form", StringComparison.Ordinal)]);
        }

        Assert.Single(pages.Distinct());
        Assert.Equal(["wrong password", "no such name", "disabled"], await server.WithDatabase(db =>
            db.Audit.Where(e => e.Action == "staff.sign-in").OrderBy(e => e.Sequence).Select(e => e.Detail).ToListAsync(Cancel)));
        Assert.DoesNotContain(await server.WithDatabase(db => db.Audit.ToListAsync(Cancel)), e => e.UserName == "nobody");
    }

    // CVE-2025-6004: case variants of a name each had failures of their own.
    [Fact]
    public async Task Five_wrong_passwords_lock_a_name_out_whatever_its_case()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        using var browser = new Browser(server.Address);
        foreach (var name in (string[])["ada", "ADA", "Ada", "aDa", "adA"])
        {
            using var wrong = await browser.SignInAsync(name, "wrong horse battery");
        }

        using var right = await browser.SignInAsync("ada", Password);

        Assert.Equal(HttpStatusCode.Unauthorized, right.StatusCode);
        Assert.Equal("locked out for a while", await server.WithDatabase(db =>
            db.Audit.OrderByDescending(e => e.Sequence).Select(e => e.Detail).FirstAsync(Cancel)));
    }

    [Fact]
    public async Task Who_is_disabled_or_given_another_role_is_out_at_once()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        using var bob = await AddStaffAsync(server, "bob", Roles.Auditor);
        var admin = await server.Client();
        Assert.Equal(HttpStatusCode.OK, (await bob.Client.GetAsync("/v1/tokens", Cancel)).StatusCode);

        (await admin.PutAsJsonAsync("/v1/staff/bob/role", new { role = Roles.HelpDesk }, Cancel)).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Unauthorized, (await bob.Client.GetAsync("/v1/tokens", Cancel)).StatusCode);

        using var again = await bob.SignInAsync("bob", Password);
        Assert.Equal(HttpStatusCode.OK, (await bob.Client.GetAsync("/v1/tokens", Cancel)).StatusCode);
        (await admin.PostAsync("/v1/staff/bob/disable", null, Cancel)).EnsureSuccessStatusCode();
        Assert.Equal(HttpStatusCode.Unauthorized, (await bob.Client.GetAsync("/v1/tokens", Cancel)).StatusCode);
    }

    [Fact]
    public async Task A_changed_password_ends_other_sessions_and_keeps_this_one()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        using var here = new Browser(server.Address);
        using var there = new Browser(server.Address);
        using var first = await here.SignInAsync("ada", Password);
        using var second = await there.SignInAsync("ada", Password);

        using var changed = await here.SubmitAsync("/account/password", "/account/password",
            ("old", Password), ("password", "another four words here"), ("again", "another four words here"));

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await here.Client.GetAsync("/v1/tokens", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await there.Client.GetAsync("/v1/tokens", Cancel)).StatusCode);
    }

    [Fact]
    public async Task A_form_without_its_token_is_refused()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        using var browser = new Browser(server.Address);
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("name", "ada"), KeyValuePair.Create("password", Password)]);

        using var reply = await browser.Client.PostAsync("/sign-in", form, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.Null(browser.Session);
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("https://evil.example")]
    [InlineData("")]
    public async Task A_way_back_leads_to_this_server_only(string back)
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        using var browser = new Browser(server.Address);

        using var reply = await browser.SubmitAsync("/sign-in", "/sign-in", ("name", "ada"), ("password", Password), ("back", back));

        Assert.Equal("/", reply.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task The_last_administrator_can_be_neither_disabled_nor_demoted()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);
        var admin = await server.Client();

        using var disabled = await admin.PostAsync("/v1/staff/ada/disable", null, Cancel);
        using var demoted = await admin.PutAsJsonAsync("/v1/staff/ada/role", new { role = Roles.Auditor }, Cancel);

        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.Conflict), (disabled.StatusCode, demoted.StatusCode));
    }

    [Fact]
    public async Task Passwords_are_kept_as_PBKDF2_with_SHA512_and_210000_rounds()
    {
        await using var server = await ServerUnderTest.StartAsync();
        await AddAdministratorAsync(server);

        var hash = Convert.FromBase64String((await server.WithDatabase(db => db.Staff.SingleAsync(Cancel))).PasswordHash!);

        // Identity's format 1: marker, PRF (2 = HMAC-SHA-512), rounds, salt size; big-endian.
        Assert.Equal(1, hash[0]);
        Assert.Equal(2u, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(1)));
        Assert.Equal(210_000u, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(5)));
    }

    internal static async Task AddAdministratorAsync(ServerUnderTest server)
    {
        using var browser = new Browser(server.Address);
        using var made = await browser.SetUpAsync(await FirstLinkAsync(server), Password, "ada");
        Assert.Equal(HttpStatusCode.Redirect, made.StatusCode);
    }

    /// <summary>Adds a person through the API; the browser comes back signed in as them.</summary>
    internal static async Task<Browser> AddStaffAsync(ServerUnderTest server, string name, string role)
    {
        using var added = await (await server.Client()).PostAsJsonAsync("/v1/staff", new { name, role }, Cancel);
        Assert.Equal(HttpStatusCode.Created, added.StatusCode);
        var link = (await added.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("link").GetString()!;
        var browser = new Browser(server.Address);
        using var made = await browser.SetUpAsync(link, Password);
        Assert.Equal(HttpStatusCode.Redirect, made.StatusCode);
        return browser;
    }

    private static async Task<string> FirstLinkAsync(ServerUnderTest server) =>
        (await server.WithDatabase(db => server.Services.GetRequiredService<StaffLinks>().FirstAdministratorAsync(db, Cancel)))!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
