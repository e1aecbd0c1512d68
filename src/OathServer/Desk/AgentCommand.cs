using System.CommandLine;
using System.Net;
using OathServer.Provisioning;

namespace OathServer.Desk;

/// <summary><c>agent --server URL</c>: lends this workstation's readers to a server.</summary>
internal static class AgentCommand
{
    private const int VirtualKeysMax = 100;
    private const string NoAddress = "--server takes an address like https://oath.example.com.";

    private static readonly Option<string> Server = new("--server") { Required = true, Description = "The server, e.g. https://oath.example.com." };
    private static readonly Option<string?> Code = new("--code") { Description = "An enrolment code (POST /v1/agents, or the console). Needed once." };
    private static readonly Option<string> Credential = new("--credential")
    {
        Description = "Where the agent keeps its own credential, readable by its owner only.",
        DefaultValueFactory = _ => AgentCredentialFile.DefaultPath,
    };
    private static readonly Option<int> Virtual = new("--virtual") { Description = "Lend so many factory-fresh virtual keys too, for trying things out." };

    public static Command Create()
    {
        var command = new Command("agent", "Lends this workstation's smart-card readers to a server, over one outbound line.")
        {
            Server, Code, Credential, Virtual,
        };
        command.SetAction((parsed, cancel) => RunAsync(
            parsed.GetRequiredValue(Server), parsed.GetValue(Code), parsed.GetRequiredValue(Credential), parsed.GetValue(Virtual), cancel));
        return command;
    }

    private static async Task<int> RunAsync(string address, string? code, string path, int virtualKeys, CancellationToken cancel)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var server) || Refusal(server, virtualKeys) is not null)
        {
            await Console.Error.WriteLineAsync(server is null ? NoAddress : Refusal(server, virtualKeys));
            return 2;
        }

        try
        {
            if (code is not null)
            {
                await EnrolAsync(server, code, path, cancel);
            }

            var known = AgentCredentialFile.Read(path);
            if (known is null || known.Server != server.AbsoluteUri)
            {
                await Console.Error.WriteLineAsync(known is null
                    ? $"This agent is not enrolled: there is no {path}. Ask for a code and pass it as --code."
                    : $"{path} is for {known.Server}. Pass another --credential file, or enrol here with --code.");
                return 2;
            }

            var readers = new KeyReaders();
            readers.PlugVirtualKeys(virtualKeys);
            return await new AgentRun(server, known.Credential, readers, Console.Out).RunAsync(cancel) ? 0 : 3;
        }
        catch (Exception fault) when (fault is InvalidOperationException or HttpRequestException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return 1;
        }
    }

    private static string? Refusal(Uri server, int virtualKeys) => server switch
    {
        { Scheme: not "http" and not "https" } => NoAddress,
        // PINs and PUKs go over this line.
        { Scheme: "http", IsLoopback: false } => "--server must be https: new PINs and PUKs go over this line. Plain http is for this machine itself.",
        _ when virtualKeys is < 0 or > VirtualKeysMax => $"--virtual takes 0 to {VirtualKeysMax}.",
        _ => null,
    };

    private static async Task EnrolAsync(Uri server, string code, string path, CancellationToken cancel)
    {
        using var client = new HttpClient { BaseAddress = server };
        using var reply = await client.PostAsJsonAsync("v1/agents/enrol", new AgentEnrolment(code), new System.Text.Json.JsonSerializerOptions(System.Text.Json.JsonSerializerDefaults.Web), cancel);
        if (reply.StatusCode == HttpStatusCode.Forbidden)
        {
            throw new InvalidOperationException("The enrolment code is unknown, used or too old. Ask for a new one.");
        }

        reply.EnsureSuccessStatusCode();
        var enrolled = (await reply.Content.ReadFromJsonAsync<AgentCredential>(cancel))!;
        new AgentCredentialFile(server.AbsoluteUri, enrolled.Name, enrolled.Credential).Write(path);
        Console.WriteLine($"Enrolled as {enrolled.Name}; the credential is in {path}.");
    }
}
