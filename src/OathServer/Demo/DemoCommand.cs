using System.CommandLine;
using OathServer.Access;
using OathServer.Operations;

namespace OathServer.Demo;

/// <summary><c>demo</c>: the whole way through on throw-away data, then the server to try. <c>--once</c> stops before that.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var once = new Option<bool>("--once") { Description = "Stop after the tour instead of serving; exit 0 only if every step held." };
        var demo = new Command("demo", "Shows the whole way through on throw-away data: import, 25 virtual keys, first codes, a drift repaired.") { once };
        demo.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(once), cancel));
        return demo;
    }

    private static async Task<int> RunAsync(bool once, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("oathserver-demo-").FullName;
        try
        {
            var app = OathHost.Build(new Dictionary<string, string?>
            {
                ["Urls"] = "http://127.0.0.1:0",
                ["Data:Folder"] = folder,
                ["Storage:Provider"] = "Sqlite",
                ["ConnectionStrings:Oath"] = "",
                ["VirtualKeys:Count"] = $"{Tour.Keys}",
                ["Logging:LogLevel:Default"] = "Error",
                ["Logging:LogLevel:Microsoft"] = "Error",
                ["Logging:LogLevel:Microsoft.AspNetCore"] = "Error",
                ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = "Error",
            });
            await using (app)
            {
                await OathHost.StartAsync(app, cancel);
                var key = await app.Services.GetRequiredService<ApiKeys>().CreateAsync("demo", Roles.Administrator, [], life: null, cancel);
                using var tour = new Tour(app, new Uri(app.Urls.First()), key);
                var held = await tour.RunAsync(cancel);
                if (!once && held)
                {
                    Console.WriteLine();
                    Console.WriteLine("The server goes on until you press Ctrl+C; its data is gone then.");
                    await app.WaitForShutdownAsync(cancel);
                }

                await app.StopAsync(CancellationToken.None);
                return held ? 0 : 1;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
