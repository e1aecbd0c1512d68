using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OathServer.Access;

namespace OathServer.Tests.Access;

/// <summary>Every endpoint the server has, pages included, asked by everybody there is, against the checked-in table
/// <c>authorisation.tsv</c>: + enters, - is refused (401, 403 or the sign-in page).</summary>
public partial class AuthorisationMatrixTests
{
    private static readonly (string Name, string? Role, string[] Realms)[] Callers =
    [
        ("anonymous", null, []),
        ("relying-party", Roles.RelyingParty, []),
        ("other-realm", Roles.RelyingParty, ["elsewhere"]),
        ("help-desk", Roles.HelpDesk, []),
        ("provisioner", Roles.Provisioner, []),
        ("auditor", Roles.Auditor, []),
        ("administrator", Roles.Administrator, []),
        ("directory", Roles.Directory, []),
        ("other-realm-administrator", Roles.Administrator, ["elsewhere"]),
    ];

    // What can be switched on is on; no network is trusted, so that the facades ask for a key.
    private static readonly Dictionary<string, string?> Everything = new()
    {
        ["Interop:PrivacyIdea"] = "true",
        ["Interop:FreeRadius"] = "true",
        ["Interop:Clients:0"] = "192.0.2.0/24",
    };

    [Fact]
    public async Task Every_endpoint_lets_in_exactly_whom_the_table_says()
    {
        await using var server = await ServerUnderTest.StartAsync(Everything);
        var actual = new List<string>();
        foreach (var (method, pattern) in EndpointsOf(server))
        {
            var row = $"{method}\t{pattern}";
            foreach (var (_, role, realms) in Callers)
            {
                row += await EntersAsync(server, role, realms, method, pattern) ? "\t+" : "\t-";
            }

            actual.Add(row);
        }

        var expected = await File.ReadAllLinesAsync(TablePath, Cancel);
        Assert.Equal("method\tpath\t" + string.Join('\t', Callers.Select(c => c.Name)), expected[0]);
        var missing = actual.Except(expected.Skip(1), StringComparer.Ordinal).ToList();
        var stale = expected.Skip(1).Except(actual, StringComparer.Ordinal).ToList();
        Assert.True(
            missing.Count == 0 && stale.Count == 0,
            $"{TablePath} differs. Read each line: is that who may enter?\nThe server has:\n{string.Join('\n', missing)}\nThe table has:\n{string.Join('\n', stale)}");
        Assert.True(actual.Count >= 40, $"only {actual.Count} endpoints were found");
    }

    [Fact]
    public async Task Every_endpoint_names_its_rule_and_every_described_operation_is_in_the_table()
    {
        await using var server = await ServerUnderTest.StartAsync(Everything);
        // The framework's own endpoint for enhanced navigation, which the console does not use, is closed by the fallback.
        Assert.Empty(RoutesOf(server)
            .Where(e => !e.RoutePattern.RawText!.Contains("_framework/", StringComparison.Ordinal) && e.Metadata.GetMetadata<IAllowAnonymous>() is null && e.Metadata.GetMetadata<IAuthorizeData>() is not { Policy: not null })
            .Select(e => e.DisplayName));

        var described = await (await server.Client(role: null)).GetFromJsonAsync<JsonElement>("/openapi/v1.json", Cancel);
        var operations = described.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()}\t{path.Name}")).ToList();
        var known = EndpointsOf(server).Select(e => $"{e.Method}\t{ConstraintInPlace().Replace(e.Pattern, "}")}").ToHashSet(StringComparer.Ordinal);
        Assert.True(operations.Count >= 30, $"only {operations.Count} operations were found");
        Assert.All(operations, operation => Assert.Contains(operation, known));
    }

    [Fact]
    public async Task The_session_of_staff_opens_what_an_api_key_of_their_role_opens()
    {
        await using var server = await ServerUnderTest.StartAsync(Everything);
        await SignIn.SignInTests.AddAdministratorAsync(server);
        foreach (var role in (string[])[Roles.HelpDesk, Roles.Provisioner, Roles.Auditor])
        {
            using var browser = await SignIn.SignInTests.AddStaffAsync(server, role, role);
            foreach (var (method, pattern) in EndpointsOf(server).Where(e => e.Method == "GET"))
            {
                Assert.True(
                    await EntersAsync(browser.Client, method, pattern) == await EntersAsync(server, role, [], method, pattern),
                    $"{method} {pattern} as {role}");
            }
        }
    }

    [Fact]
    public async Task A_monitor_enters_the_metrics_and_what_is_open_to_everybody()
    {
        await using var server = await ServerUnderTest.StartAsync(Everything);
        var more = new List<string>();
        foreach (var (method, pattern) in EndpointsOf(server))
        {
            if (await EntersAsync(server, Roles.Monitor, [], method, pattern) != await EntersAsync(server, role: null, [], method, pattern))
            {
                more.Add($"{method} {pattern}");
            }
        }

        Assert.Equal(["GET /metrics"], more);
    }

    private static async Task<bool> EntersAsync(ServerUnderTest server, string? role, string[] realms, string method, string pattern) =>
        await EntersAsync(await server.Client(role, realms), method, pattern);

    private static async Task<bool> EntersAsync(HttpClient client, string method, string pattern)
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), PlaceInPath().Replace(pattern, Value));
        using var reply = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.True((int)reply.StatusCode < 500, $"{method} {pattern}: {(int)reply.StatusCode}");
        var asksToSignIn = reply.RequestMessage!.RequestUri!.AbsolutePath == "/sign-in" || reply.Headers.Location?.OriginalString.Contains("/sign-in?", StringComparison.Ordinal) == true;
        return reply.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) && (!asksToSignIn || pattern == "/sign-in");
    }

    /// <summary>Something that fits the place and is not there.</summary>
    private static string Value(Match place) => place.Groups[1].Value switch
    {
        ":long" or ":int" => "987654",
        ":guid" => "00000000-0000-0000-0000-000000000001",
        _ => "not-there",
    };

    private static List<(string Method, string Pattern)> EndpointsOf(ServerUnderTest server) =>
        [.. RoutesOf(server).SelectMany(e => MethodsOf(e).Select(method => (method, Pattern(e)))).Distinct().OrderBy(e => e.Item2, StringComparer.Ordinal).ThenBy(e => e.method, StringComparer.Ordinal)];

    private static IEnumerable<RouteEndpoint> RoutesOf(ServerUnderTest server) =>
        server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    private static IReadOnlyList<string> MethodsOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is { HttpMethods: { Count: > 0 } methods } ? methods : ["GET"];

    private static string Pattern(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText!.Trim('/');

    private static string TablePath => Path.Combine(Tidy.SourceTree.Root, "tests/OathServer.Tests/Access/authorisation.tsv");

    [GeneratedRegex(@"\{\*{0,2}[^}:?]+(:[^}]+)?\??\}")]
    private static partial Regex PlaceInPath();

    [GeneratedRegex(@":[^}]+\}")]
    private static partial Regex ConstraintInPlace();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
